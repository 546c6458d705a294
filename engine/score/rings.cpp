#include "engine/score/rings.h"

#include <algorithm>
#include <cmath>

namespace flashphase::score {

RingTransform::RingTransform(int n, int m)
    : width_(static_cast<std::size_t>(n)),
      edge_(static_cast<std::size_t>(m)),
      fft_(m),
      re_(edge_ * edge_),
      im_(edge_ * edge_) {}

void RingTransform::operator()(std::span<const std::complex<float>> image) {
  std::fill_n(re_.data(), cells(), 0.0f);
  std::fill_n(im_.data(), cells(), 0.0f);
  for (std::size_t i = 0; i < image.size(); ++i) {
    const std::size_t to = i / width_ * edge_ + i % width_;
    re_[to] = image[i].real();
    im_[to] = image[i].imag();
  }
  fft_.forward(re_.data(), im_.data());
}

std::size_t RingTransform::ring_of(std::size_t i) const {
  const auto frequency = [this](std::size_t k) {
    return static_cast<double>(k <= edge_ / 2 ? k : edge_ - k);
  };
  return static_cast<std::size_t>(std::lround(std::hypot(frequency(i / edge_), frequency(i % edge_))));
}

}  // namespace flashphase::score
