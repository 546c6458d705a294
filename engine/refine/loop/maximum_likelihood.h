#pragma once

#include "engine/fft/fft2.h"

namespace flashphase::refine {

/// Conjugate gradients towards the object of maximum likelihood. With A = |F x|^2 the expected counts and I
/// those that came, each Poisson, minus the logarithm of the likelihood is, over measured pixels and but for
/// a constant,
///   L = sum A + b - I ln(A + b)
/// (Thibault & Guizar-Sicairos, New J. Phys. 14, 063004, 2012; in PyNX: Favre-Nicolin et al., J. Appl. Cryst.
/// 53, 1404, 2020). b, half a photon, is a background where there need be none: it keeps single photons in
/// the dark from being taken for signal (README.md has what that is worth). x is zero outside the support;
/// unmeasured pixels are not in the sum. Patterns have to be in photons; in other units L is what it would be
/// were they photons, and without noise it is a least-squares fit of the modulus with 1e8 of them.
///
/// With `pull` e > 0 the minimum of L + sum |x - x0|^2 / s^2 is sought, that of maximum posterior probability
/// (MAP; e.g. Bishop, Pattern Recognition and Machine Learning, 2006, ch. 1.2): x0 is known to lie about the
/// object with errors of circular normal distribution and variance s^2 = e sum |x0|^2 / (pixels of the
/// support) each, so that e is its expected real-space error (engine/score).
///
/// Directions are Polak's and Ribiere's (1969), begun anew where they turn; the step is that to the minimum
/// of the expansion of L to second order along them. Thread: one. No allocation after construction.
class MaximumLikelihood {
 public:
  /// What is the same for all steps of a start. Planes as Iterate keeps them: rows of `stride` floats, the
  /// object in the corner, Fourier space in Fft2's layout, modulus -1 where it is not measured.
  struct Problem {
    const float* modulus;
    const float* support;
    double unit;  ///< times the modulus: square root of photons
    float pull;
  };

  MaximumLikelihood(int m, int stride);

  /// x0, wherever x is pulled.
  void pull_to(const float* re, const float* im);

  /// One step of x. `first`: x may be anything, and what was learned of the last steps is forgotten.
  void step(const Problem& problem, bool first, float* re, float* im);

 private:
  void begin(const Problem& problem, float* re, float* im);
  void transform(const float* re, const float* im, fft::AlignedFloats& to_re, fft::AlignedFloats& to_im);
  void gradient(const Problem& problem, const float* re, const float* im);
  double length(const Problem& problem, const float* re, const float* im);

  int m_, stride_;
  fft::Fft2 fft_;
  float weight_ = 0;                              ///< 1 / s^2
  float background_ = 0;                          ///< b
  double last_ = 0;                               ///< <gradient, preconditioned gradient> of the last step
  fft::AlignedFloats f_re_, f_im_, d_re_, d_im_;  ///< [m, m] of x, and of the direction or the gradient
  fft::AlignedFloats to_re_, to_im_, slope_re_, slope_im_, way_re_, way_im_;  ///< as x
};

}  // namespace flashphase::refine
