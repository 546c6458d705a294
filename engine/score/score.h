#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/fft/fft2.h"
#include "engine/frame/reconstruction.h"
#include "engine/score/align.h"

namespace flashphase::score {

/// The score stage: fills `objects.residual` with the modulus chi^2 of each object against its pattern,
///   sum (s |F| - sqrt(I))^2 / sum I over measured pixels, with the best scale s >= 0
/// (physics: the usual BCDI form of Wu et al. 2021, Appendix B). 1 for an all-zero object or one with a value
/// that is not finite; 0 / 0 gives 1. Thread: one instance per thread. No allocation per call. Throws
/// std::invalid_argument when shapes do not fit.
class ModulusScorer {
 public:
  explicit ModulusScorer(int pattern_size);
  void operator()(const PatternBatch& patterns, ObjectBatch& objects);
  float operator()(std::span<const float> intensity, std::span<const std::uint8_t> measured,
                   std::span<const std::complex<float>> object, int object_size);

 private:
  fft::Fft2 fft_;
  fft::AlignedFloats re_, im_, modulus_;
};

/// How an object compares with the truth once it lies on it.
struct Comparison : Alignment {
  float amplitude_chi2 = 1;  ///< sum (|p| - |g|)^2 / sum |g|^2 after alignment and best scale of |p|
  float phase_chi2 =
      1;  ///< sum (dphi)^2 / sum phi_g^2 inside the truth's support, dphi wrapped to (-pi, pi]; 0/0 = 0
};

/// align() and what is left then. `truth_support` [n, n]: where the phase counts. Shapes n x n. The errors
/// are 1 when object or truth is all zero. Source: J. R. Fienup, "Invariant error metrics for image
/// reconstruction", Appl. Opt. 36, 8352 (1997). Precondition: every value is finite.
Comparison compare(std::span<const std::complex<float>> object, std::span<const std::complex<float>> truth,
                   std::span<const std::uint8_t> truth_support, int n,
                   Translation translation = Translation::whole_pixel);

}  // namespace flashphase::score
