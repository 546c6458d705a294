#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/device/for_each.h"
#include "engine/refine/results.h"
#include "engine/refine/solver.h"
#include "engine/refine/starts/average.h"

namespace flashphase::refine {

/// One frame's share of Refined.
struct Chosen {
  int index = 0;
  float agreement = -1;
  std::vector<float> prtf;
  Average average;  ///< of the better half, not settled; empty unless Choosing::average asks for it
};

/// The result with the lowest residual.
int lowest_residual(const Results& results);

/// Chooses as `choosing` says and computes agreement, PRTF and average over the better half by residual (at
/// least two, the chosen one included in agreement and PRTF), for a pattern of m x m pixels. `upper_limit`
/// [n, n] or empty, see Starts. `each` is used for the results. Precondition: K >= 1.
///
/// Averaging::automatic averages where `noisy`, or where the agreement is at least kAgreed: what is left of a
/// pattern without noise is then the same small fault in each, which the mean halves; where they disagree,
/// the mean mixes right and wrong ones.
Chosen choose(const Results& results, const Choosing& choosing, int m, bool noisy,
              std::span<const std::uint8_t> upper_limit = {}, const ForEach& each = in_turn);

inline constexpr float kAgreed = 0.998f;

/// Whether noise is what ends the fit of a pattern [m, m]. `residual`: the lowest that was come to; it tells
/// where the intensities are no whole numbers: simulations end far below, measurements far above 1e-3.
bool ends_in_noise(std::span<const float> intensity, std::span<const std::uint8_t> measured, float residual);

/// The next generation of starts [K, n, n]: the chosen one as it is, each other the mean of itself and the
/// chosen one once aligned (guided: the best breeds. Chen, Miao, Wang & Lee, Phys. Rev. B 76, 064113, 2007).
std::vector<std::complex<float>> bred(const Results& results, int chosen, const ForEach& each = in_turn);

}  // namespace flashphase::refine
