#include "engine/score/autocorrelation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>

namespace flashphase::score {

Autocorrelation::Autocorrelation(int m)
    : fft_(m),
      re_(static_cast<std::size_t>(m) * static_cast<std::size_t>(m)),
      im_(static_cast<std::size_t>(m) * static_cast<std::size_t>(m)) {}

std::span<const float> Autocorrelation::operator()(std::span<const float> intensity) {
  const float brightest = *std::ranges::max_element(intensity);
  const float scale = brightest > 0 ? 1 / brightest : 1.0f;
  const int m = size(), middle = m / 2;
  for (int x = 0; x < m; ++x)
    for (int y = 0; y < m; ++y)
      re_[static_cast<std::size_t>(x * m + y)] =
          scale * intensity[static_cast<std::size_t>((y + middle) % m * m + (x + middle) % m)];
  std::ranges::fill(im_.span(), 0.0f);
  fft_.inverse(re_.data(), im_.data());
  const float first = re_[0] > 0 ? 1 / re_[0] : 0.0f;
  for (std::size_t i = 0; i < re_.size(); ++i) re_[i] = first * std::sqrt(re_[i] * re_[i] + im_[i] * im_[i]);
  return re_.span();
}

float outskirts(std::span<const float> autocorrelation, int m, int from) {
  double sum = 0;
  int count = 0;
  for (int v = -m / 2; v < m - m / 2; ++v) {
    for (int u = -m / 2; u < m - m / 2; ++u) {
      if (std::max(std::abs(v), std::abs(u)) < from) continue;
      const auto at = static_cast<std::size_t>((v + m) % m * m + (u + m) % m);
      sum += static_cast<double>(autocorrelation[at]) * static_cast<double>(autocorrelation[at]);
      ++count;
    }
  }
  return count > 0 ? static_cast<float>(std::sqrt(sum / count)) : 0.0f;
}

}  // namespace flashphase::score
