#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/score/autocorrelation.h"

namespace flashphase::refine {

/// Where the object of a pattern can be.
struct Extent {
  /// [n, n] 1 = inside. The object lies in it once its centroid is at [n/2, n/2], see placed_on().
  std::vector<std::uint8_t> mask;
  /// Pixels that a convex and centrally symmetric object of this autocorrelation fills, from below (what
  /// hides in the noise is missing): a quarter of the hull of the autocorrelation. n * n where the pattern
  /// does not tell.
  float area = 0;
};

/// Times above the outskirts of the autocorrelation: of noise alone 1 lag in 10 million stands out so far.
inline constexpr float kAboveNoise = 4;

/// The extent in a square of n x n pixels of the object of a pattern [m, m], n <= m/2, in any unit. Its
/// autocorrelation is there where it is `above_noise` times its own root mean square at lags of m/2, which is
/// counting noise where the object fits the square (score::outskirts); A is the convex hull of that. With C
/// the hull of the object A is C - C, and C lies within 2/3 (C - C) about its centroid (Minkowski; Bonnesen &
/// Fenchel, Theorie der konvexen Körper, 1934, section 34). So the mask is 2/3 A, grown by a pixel for what
/// is below the threshold. A pattern whose autocorrelation does not stand out in two directions gives the
/// whole square.
///
/// Light that is missing about zero of Q spoils it: first fill what is not measured (see filled()).
Extent extent_of(std::span<const float> intensity, int n, score::Autocorrelation& autocorrelation,
                 float above_noise = kAboveNoise);

/// The pattern [m, m] with what an answer [n, n] says in pixels that are not measured.
std::vector<float> filled(std::span<const float> intensity, std::span<const std::uint8_t> measured, int m,
                          std::span<const std::complex<float>> answer, int n);

/// The mask [n, n] moved by whole pixels from [n/2, n/2] to the centroid of the energy of an object [n, n].
std::vector<std::uint8_t> placed_on(std::span<const std::complex<float>> object,
                                    std::span<const std::uint8_t> mask, int n);

}  // namespace flashphase::refine
