#include "engine/refine/iterate.h"

#include <algorithm>
#include <cmath>

#include "engine/score/modulus.h"

namespace flashphase::refine {

Iterate::Iterate(int m)
    : kernels_(make_kernels()),
      fft_(m),
      cells_(static_cast<std::size_t>(m) * static_cast<std::size_t>(m)),
      g_re_(cells_),
      g_im_(cells_),
      w_re_(cells_),
      w_im_(cells_),
      modulus_(cells_),
      support_(cells_) {}

void Iterate::set_pattern(std::span<const float> intensity, std::span<const std::uint8_t> measured) {
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < cells_; ++i) {
    if (!measured[i]) continue;
    sum += static_cast<double>(intensity[i]);
    ++count;
  }
  // A power of two: the scaling itself rounds nothing.
  unit_ = sum > 0 ? std::exp2(std::round(0.5 * std::log2(sum / static_cast<double>(count)))) : 1.0;
  score::modulus_in_fft_layout(intensity, measured, size(), static_cast<float>(1 / unit_), modulus_.data());
  modulus_energy_ = sum / (unit_ * unit_);
}

void Iterate::set_start(std::span<const std::complex<float>> object, std::span<const std::uint8_t> support,
                        int n) {
  const auto m = static_cast<std::size_t>(size()), width = static_cast<std::size_t>(n);
  float largest = 0;
  for (std::size_t i = 0; i < object.size(); ++i) {
    if (support[i]) largest = std::max({largest, std::abs(object[i].real()), std::abs(object[i].imag())});
  }
  for (fft::AlignedFloats* plane : {&g_re_, &g_im_, &support_}) std::fill_n(plane->data(), cells_, 0.0f);
  for (std::size_t y = 0; y < width; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      const std::size_t from = y * width + x, to = y * m + x;
      if (!support[from]) continue;
      support_[to] = 1;
      if (largest > 0) {
        g_re_[to] = object[from].real() / largest;
        g_im_[to] = object[from].imag() / largest;
      }
    }
  }
  constrain();
  const auto scale = static_cast<float>(transform().scale);
  for (std::size_t i = 0; i < cells_; ++i) {
    g_re_[i] *= scale;
    g_im_[i] *= scale;
  }
  constrain();
}

Fit Iterate::transform() {
  fft_.forward(w_re_.data(), w_im_.data());
  const ModulusSums sums = kernels_.project(w_re_.data(), w_im_.data(), modulus_.data(), cells_);
  if (!(sums.aa > 0) || !(modulus_energy_ > 0)) return {};
  // With b = a - e the least squares of s a - b leave ee - (ae)^2 / aa at s = 1 - ae / aa, without
  // cancellation.
  return {std::max(0.0, (sums.ee - sums.ae * sums.ae / sums.aa) / modulus_energy_), 1 - sums.ae / sums.aa};
}

Fit Iterate::project() {
  const Fit fit = transform();
  fft_.inverse(w_re_.data(), w_im_.data());
  return fit;
}

void Iterate::er() {
  kernels_.er(g_re_.data(), w_re_.data(), support_.data(), cells_);
  kernels_.er(g_im_.data(), w_im_.data(), support_.data(), cells_);
}

void Iterate::hio(float beta) {
  kernels_.hio(g_re_.data(), w_re_.data(), support_.data(), beta, cells_);
  kernels_.hio(g_im_.data(), w_im_.data(), support_.data(), beta, cells_);
}

void Iterate::constrain() {
  std::copy_n(g_re_.data(), cells_, w_re_.data());
  std::copy_n(g_im_.data(), cells_, w_im_.data());
  er();
}

}  // namespace flashphase::refine
