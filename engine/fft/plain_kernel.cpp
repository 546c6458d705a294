#include <cmath>
#include <complex>
#include <cstddef>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "engine/fft/kernel.h"

namespace flashphase::fft {
namespace {

using Complex = std::complex<double>;

/// The definition, line by line.
class PlainKernel final : public Kernel {
 public:
  explicit PlainKernel(int m) : m_(static_cast<std::size_t>(m)), roots_(m_), work_(m_ * m_) {
    for (std::size_t k = 0; k < m_; ++k)
      roots_[k] = std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(m));
  }

  void forward(float* re, float* im) override { both(re, im, 1); }
  void inverse(float* re, float* im) override { both(im, re, 1.0 / static_cast<double>(m_ * m_)); }
  std::string name() const override { return "plain"; }

 private:
  /// Work becomes [x, ky], the planes [kx, ky].
  void both(float* re, float* im, double scale) {
    for (std::size_t x = 0; x < m_; ++x)
      for (std::size_t k = 0; k < m_; ++k)
        work_[x * m_ + k] =
            sum(k, [=, this](std::size_t y) { return Complex(re[y * m_ + x], im[y * m_ + x]); });
    for (std::size_t ky = 0; ky < m_; ++ky) {
      for (std::size_t k = 0; k < m_; ++k) {
        const Complex value = scale * sum(k, [=, this](std::size_t x) { return work_[x * m_ + ky]; });
        re[k * m_ + ky] = static_cast<float>(value.real());
        im[k * m_ + ky] = static_cast<float>(value.imag());
      }
    }
  }

  template <class Line>
  Complex sum(std::size_t k, Line line) const {
    double re = 0, im = 0;  // without the care for infinities that complex products take
    for (std::size_t i = 0, turn = 0; i < m_; ++i, turn = (turn + k) % m_) {
      const Complex a = line(i), w = roots_[turn];
      re += a.real() * w.real() - a.imag() * w.imag();
      im += a.real() * w.imag() + a.imag() * w.real();
    }
    return {re, im};
  }

  std::size_t m_;
  std::vector<Complex> roots_, work_;
};

}  // namespace

std::unique_ptr<Kernel> make_plain_kernel(int m) {
  return std::make_unique<PlainKernel>(m);
}

}  // namespace flashphase::fft
