#pragma once

#include <complex>
#include <span>
#include <vector>

#include "engine/fft/fft2.h"

namespace flashphase::score {

/// A translation in pixels.
struct Shift {
  double y = 0;
  double x = 0;
};

/// A maximum of the cross-correlation's modulus, in a unit that is the same for all of one Correlator.
struct Peak {
  Shift at;
  float height = 0;
};

/// The cross-correlation of an object and a reference [n, n], both on a circular grid of 2n with their origin
/// [n/2, n/2] at its corner, and the object moved by what it tells. `twin` asks for the object's twin
/// conj(rho(-r)) instead. Thread: one. The object has to outlive it. Precondition: values are finite and
/// neither image is all zero.
class Correlator {
 public:
  Correlator(std::span<const std::complex<float>> object, std::span<const std::complex<float>> reference,
             int n);

  /// Where |sum_r conj(q(r)) g(r + d)| is largest over whole pixels d in [-n, n), q the object and g the
  /// reference.
  Peak peak(bool twin);

  /// That peak, which lies within a pixel of `start`, to 0.01 pixel: the transform evaluated on finer and
  /// finer grids around it by matrix products (Guizar-Sicairos, Thurman & Fienup, Opt. Lett. 33, 156, 2008).
  Peak refined(bool twin, const Peak& start);

  /// The object moved by whole pixels, [n, n].
  std::vector<std::complex<float>> moved(bool twin, Shift whole) const;
  /// The object moved by any shift in Fourier space, [n, n]; beyond the square it is lost.
  std::vector<std::complex<float>> moved_in_fourier_space(bool twin, Shift shift);

 private:
  void correlate(bool twin);
  Peak highest_around(Shift middle, double step) const;
  std::size_t index(int y, int x) const;
  std::size_t edge() const { return static_cast<std::size_t>(2 * n_); }
  std::size_t cells() const { return edge() * edge(); }

  int n_;
  std::span<const std::complex<float>> object_;
  float object_scale_;  ///< the transforms are of images divided by their largest part
  fft::Fft2 fft_;
  fft::AlignedFloats p_re_, p_im_, g_re_, g_im_;  ///< transforms of object and reference
  fft::AlignedFloats c_re_, c_im_;                ///< their product, or what is made of it
};

}  // namespace flashphase::score
