#include <bit>
#include <cmath>
#include <complex>
#include <cstddef>
#include <memory>
#include <numbers>
#include <utility>
#include <vector>

#include "engine/fft/kernel.h"

namespace flashphase::fft {
namespace {

using Complex = std::complex<double>;

/// In-place radix-2 transform of a power-of-two length, unscaled.
void power_of_two(std::vector<Complex>& x, bool inverse) {
  const std::size_t n = x.size();
  for (std::size_t i = 1, j = 0; i < n; ++i) {
    std::size_t bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (std::size_t length = 2; length <= n; length *= 2) {
    const Complex step = std::polar(1.0, (inverse ? 2 : -2) * std::numbers::pi / static_cast<double>(length));
    for (std::size_t start = 0; start < n; start += length) {
      Complex w = 1;
      for (std::size_t k = start; k < start + length / 2; ++k, w *= step) {
        const Complex a = x[k], b = x[k + length / 2] * w;
        x[k] = a + b;
        x[k + length / 2] = a - b;
      }
    }
  }
}

class AnySizeKernel final : public Kernel {
 public:
  explicit AnySizeKernel(int m)
      : m_(static_cast<std::size_t>(m)), chirp_(m_), filter_(std::bit_ceil(2 * m_ - 1)), work_(filter_.size()),
        line_(m_) {
    for (std::size_t k = 0; k < m_; ++k) {
      const auto square = static_cast<double>(k * k % (2 * m_));  // reduced first, so that large k keep their precision
      chirp_[k] = std::polar(1.0, -std::numbers::pi * square / static_cast<double>(m_));
      filter_[k] = std::conj(chirp_[k]);
      if (k > 0) filter_[filter_.size() - k] = std::conj(chirp_[k]);
    }
    power_of_two(filter_, false);
  }

  void forward(float* re, float* im) override {
    columns(re, im, 1.0);
    transpose(re);
    transpose(im);
    columns(re, im, 1.0);
  }

  void inverse(float* re, float* im) override {
    columns(im, re, 1.0 / static_cast<double>(m_));
    transpose(re);
    transpose(im);
    columns(im, re, 1.0 / static_cast<double>(m_));
  }

 private:
  void columns(float* re, float* im, double scale) {
    for (std::size_t x = 0; x < m_; ++x) {
      for (std::size_t y = 0; y < m_; ++y) line_[y] = Complex(re[y * m_ + x], im[y * m_ + x]);
      transform_line();
      for (std::size_t y = 0; y < m_; ++y) {
        re[y * m_ + x] = static_cast<float>(line_[y].real() * scale);
        im[y * m_ + x] = static_cast<float>(line_[y].imag() * scale);
      }
    }
  }

  void transform_line() {
    work_.assign(filter_.size(), Complex(0));
    for (std::size_t k = 0; k < m_; ++k) work_[k] = line_[k] * chirp_[k];
    power_of_two(work_, false);
    for (std::size_t k = 0; k < work_.size(); ++k) work_[k] *= filter_[k];
    power_of_two(work_, true);
    const double scale = 1.0 / static_cast<double>(work_.size());
    for (std::size_t k = 0; k < m_; ++k) line_[k] = work_[k] * chirp_[k] * scale;
  }

  void transpose(float* plane) const {
    for (std::size_t y = 0; y < m_; ++y)
      for (std::size_t x = y + 1; x < m_; ++x) std::swap(plane[y * m_ + x], plane[x * m_ + y]);
  }

  std::size_t m_;
  std::vector<Complex> chirp_, filter_, work_, line_;
};

}  // namespace

std::unique_ptr<Kernel> make_kernel_any_size(int m) { return std::make_unique<AnySizeKernel>(m); }

}  // namespace flashphase::fft
