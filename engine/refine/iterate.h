#pragma once

#include <complex>
#include <cstdint>
#include <span>

#include "engine/fft/fft2.h"
#include "engine/refine/kernels.h"

namespace flashphase::refine {

/// How an iterate fits the measured modulus.
struct Fit {
  double chi2 = 1;   ///< modulus chi^2 with the best scale (engine/score)
  double scale = 1;  ///< that scale
};

/// One frame in iteration: the object g on [m, m], its support, the measured modulus. One iteration is
///   project(), then er() or hio():  P = F^-1[ sqrt(I) F g / |F g| ], unmeasured coefficients as they are;
///   ER: g = P inside the support, 0 outside;  HIO: g = P inside, g - beta P outside (Fienup, Appl. Opt. 21,
///   2758, 1982).
/// The n x n object sits in the corner of the frame and Fourier space stays transposed, so that nothing is
/// ever shifted. Inside, the pattern is scaled to a mean of about 1; object() gives its own units back.
/// Thread: one. No allocation after construction.
class Iterate {
 public:
  explicit Iterate(int m);

  int size() const { return fft_.size(); }

  /// Precondition: measured values are finite and not negative.
  void set_pattern(std::span<const float> intensity, std::span<const std::uint8_t> measured);
  /// Some measured pixel is above zero.
  bool has_signal() const { return modulus_energy_ > 0; }

  /// g = start inside the support, scaled to the pattern. Shapes [n, n].
  void set_start(std::span<const std::complex<float>> object, std::span<const std::uint8_t> support, int n);

  /// Puts the measured modulus in place; er() or hio() must follow. Gives the fit of g as it is.
  Fit project();
  void er();
  void hio(float beta);

  /// g = 0 outside the support, between two iterations.
  void constrain();

  /// g and support as planes [m, m]; the object is the corner [0, n) x [0, n).
  const float* re() const { return g_re_.data(); }
  const float* im() const { return g_im_.data(); }
  float* support() { return support_.data(); }
  const float* support() const { return support_.data(); }

  /// Multiply g by this for the units of the pattern.
  double unit() const { return unit_; }

 private:
  Fit transform();

  Kernels kernels_;
  fft::Fft2 fft_;
  std::size_t cells_;
  fft::AlignedFloats g_re_, g_im_, w_re_, w_im_, modulus_, support_;
  double modulus_energy_ = 0;  ///< sum of the scaled modulus squared over measured pixels
  double unit_ = 1;
};

}  // namespace flashphase::refine
