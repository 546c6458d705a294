#pragma once

#include <complex>
#include <span>
#include <vector>

#include "engine/device/for_each.h"
#include "engine/score/align.h"
#include "engine/score/resolution.h"

namespace flashphase::score {

/// How far the results of repeated starts on one pattern agree once their trivial ambiguities are removed:
/// each is brought onto the first by align() (twin, translation, phase) and scaled to the energy of the
/// first.
struct Confidence {
  /// Mean over all pairs of Re <u_k, u_l>, u the aligned results at unit energy, but not below 0: 1 = all the
  /// same. 0 when there are fewer than two results to compare; a result that is all zero agrees with none.
  float agreement = 0;
  /// Phase retrieval transfer function over rings 0 .. m/2 of the pattern: the ring's mean of
  ///   |sum_k G_k| / sum_k |G_k|, G_k the transform of result k on [m, m].
  /// 1 = phases reproduced, about 1 / sqrt(K) = random ones. Shapiro et al., PNAS 102, 15343 (2005); Chapman
  /// et al., J. Opt. Soc. Am. A 23, 1179 (2006), here against the mean modulus of the results instead of the
  /// measured one, so that unmeasured pixels count too. All zero with fewer than two results.
  std::vector<float> prtf;
  Resolution resolution;                  ///< where the PRTF falls below 1/e
  std::vector<std::complex<float>> mean;  ///< [n, n] mean of the aligned results, all zero when they are
};

/// `objects` [K, n, n], the transform on [m, m]. Finding the alignment costs an align() for each result but
/// one, for which `each` is used. Precondition: values are finite. Throws std::invalid_argument for n > m or
/// a span that is not [K, n, n].
Confidence confidence(std::span<const std::complex<float>> objects, int n, int m,
                      Translation translation = Translation::sub_pixel, const ForEach& each = in_turn);

}  // namespace flashphase::score
