#pragma once

#include <complex>
#include <span>

#include "engine/fft/fft2.h"

namespace flashphase::score {

/// Fourier coefficients of an image [n, n] in the corner of [m, m], in Fft2's layout, and the rings of one
/// frequency pixel that they lie in.
class RingTransform {
 public:
  /// Precondition: 1 <= n <= m.
  RingTransform(int n, int m);

  /// Replaces the coefficients by those of `image` [n, n].
  void operator()(std::span<const std::complex<float>> image);

  std::size_t cells() const { return re_.size(); }
  std::complex<double> at(std::size_t i) const {
    return {static_cast<double>(re_[i]), static_cast<double>(im_[i])};
  }
  /// Rings 0 .. m/2.
  std::size_t rings() const { return edge_ / 2 + 1; }
  /// Distance from the zero of Q, rounded; in the corners rings() or more.
  std::size_t ring_of(std::size_t i) const;

 private:
  std::size_t width_, edge_;
  fft::Fft2 fft_;
  fft::AlignedFloats re_, im_;
};

}  // namespace flashphase::score
