#pragma once

#include <cstdint>
#include <span>

#include "engine/fft/fft2.h"

namespace flashphase::infer {

/// The physics of one frame, forward and backward, on fields in the layout of fft::Fft2 (Fourier space
/// transposed and unshifted, [m, m]); objects are two planes [n, n] (real, imaginary), n <= m/2.
///
/// Thread: one instance per thread. No allocation per call.
class ModulusProjection {
 public:
  ModulusProjection(int pattern_size, int object_size);

  int pattern_size() const { return m_; }
  int object_size() const { return n_; }

  /// out = crop(F^-1(P F(object))), P replacing the modulus by `modulus` where `measured` and leaving F alone
  /// elsewhere (the modulus projection of Fienup, Appl. Opt. 21, 2758, 1982). `field_re`, `field_im` [m, m]
  /// keep F(object) for project_backward; pass nullptr where no gradient is wanted.
  void project(const float* re, const float* im, const float* modulus, const std::uint8_t* measured,
               float* out_re, float* out_im, float* field_re, float* field_im);

  /// Gradient of project(): from that of its output to that of its input. With F = r u, |u| = 1, the
  /// derivative lets only the component of the spectrum's gradient orthogonal to u pass, scaled by modulus /
  /// r (capped at kMaxGain, where r is close to 0 and the projection is not differentiable).
  void project_backward(const float* gradient_re, const float* gradient_im, const float* modulus,
                        const std::uint8_t* measured, const float* field_re, const float* field_im,
                        float* out_re, float* out_im);

  /// sum (|F(object)| - modulus)^2 / sum modulus^2 over all pixels; keeps F(object) in field_re, field_im [m,
  /// m].
  float chi2(const float* re, const float* im, const float* modulus, float* field_re, float* field_im);

  /// Gradient of chi2() times `gradient`; the fields are those of the forward call and are overwritten.
  void chi2_backward(float gradient, const float* modulus, float* field_re, float* field_im, float* out_re,
                     float* out_im);

  /// |F(object)|.
  void modulus(const float* re, const float* im, float* out);

  static constexpr float kMaxGain = 4.0f;
  static constexpr float kTiny = 1e-24f;  ///< of |F|^2: keeps 1/|F| finite where the spectrum vanishes

 private:
  void embed(const float* re, const float* im);
  void crop(float* re, float* im) const;

  int m_, n_;
  fft::Fft2 fft_;
  fft::AlignedFloats re_, im_;
};

}  // namespace flashphase::infer
