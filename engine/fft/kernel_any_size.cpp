#include <algorithm>
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

/// Without the care for infinities that the operator takes.
Complex times(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// In-place radix-2 transforms of one power-of-two length, unscaled.
class PowerOfTwo {
 public:
  explicit PowerOfTwo(std::size_t n) : twiddles_(n / 2) {
    for (std::size_t k = 0; k < twiddles_.size(); ++k)
      twiddles_[k] = std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n));
  }

  void operator()(std::vector<Complex>& x, bool inverse) const {
    const std::size_t n = x.size();
    for (std::size_t i = 1, j = 0; i < n; ++i) {
      std::size_t bit = n >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i < j) std::swap(x[i], x[j]);
    }
    for (std::size_t length = 2; length <= n; length *= 2) {
      for (std::size_t start = 0; start < n; start += length) {
        for (std::size_t k = 0; k < length / 2; ++k) {
          const Complex w = twiddles_[k * (n / length)];
          const Complex a = x[start + k], b = times(x[start + k + length / 2], inverse ? std::conj(w) : w);
          x[start + k] = a + b;
          x[start + k + length / 2] = a - b;
        }
      }
    }
  }

 private:
  std::vector<Complex> twiddles_;
};

class AnySizeKernel final : public Kernel {
 public:
  explicit AnySizeKernel(int m)
      : m_(static_cast<std::size_t>(m)),
        chirp_(m_),
        filter_(std::bit_ceil(2 * m_ - 1)),
        work_(filter_.size()),
        line_(m_),
        power_of_two_(filter_.size()) {
    for (std::size_t k = 0; k < m_; ++k) {
      const auto square =
          static_cast<double>(k * k % (2 * m_));  // reduced first, so that large k keep their precision
      chirp_[k] = std::polar(1.0, -std::numbers::pi * square / static_cast<double>(m_));
      filter_[k] = std::conj(chirp_[k]);
      if (k > 0) filter_[filter_.size() - k] = std::conj(chirp_[k]);
    }
    power_of_two_(filter_, false);
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
    for (std::size_t k = 0; k < m_; ++k) work_[k] = times(line_[k], chirp_[k]);
    std::fill(work_.begin() + static_cast<std::ptrdiff_t>(m_), work_.end(), Complex(0));
    power_of_two_(work_, false);
    for (std::size_t k = 0; k < work_.size(); ++k) work_[k] = times(work_[k], filter_[k]);
    power_of_two_(work_, true);
    const double scale = 1.0 / static_cast<double>(work_.size());
    for (std::size_t k = 0; k < m_; ++k) line_[k] = times(work_[k], chirp_[k]) * scale;
  }

  void transpose(float* plane) const {
    for (std::size_t y = 0; y < m_; ++y)
      for (std::size_t x = y + 1; x < m_; ++x) std::swap(plane[y * m_ + x], plane[x * m_ + y]);
  }

  std::size_t m_;
  std::vector<Complex> chirp_, filter_, work_, line_;
  PowerOfTwo power_of_two_;
};

}  // namespace

std::unique_ptr<Kernel> make_kernel_any_size(int m) {
  return std::make_unique<AnySizeKernel>(m);
}

}  // namespace flashphase::fft
