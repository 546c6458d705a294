#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace flashphase::score {

/// The counts of one pattern, dealt out to two.
struct Halves {
  std::vector<float> seen, unseen;  ///< like the pattern, whole numbers
};

/// Whether a pattern can be split: it holds photon counts, which are whole numbers, or whole numbers times
/// factors near one (a flat field). So no measured pixel lies between 0 and 1/2.
bool holds_counts(std::span<const float> intensity, std::span<const std::uint8_t> measured);

/// Binomial thinning: each photon goes to either half with probability 1/2, so that two patterns of half the
/// exposure come out, with independent Poisson noise (Kingman, Poisson Processes, 1993, section 5.1: the
/// colouring theorem). Intensities are rounded to whole counts, at most 2^24; above 2^16 a pixel's share is
/// drawn from the normal distribution of the same mean and variance. The same seed gives the same halves
/// everywhere. Precondition: holds_counts().
///
/// What was fitted to one half and follows its noise foretells the other badly, so the modulus chi^2
/// (ModulusScorer, with a scale of its own) on the half that took no part needs no truth to tell the better
/// of two reconstructions (cross-validation; Brünger, Nature 355, 472, 1992). The true object leaves there
/// what counting does (noise_residual() of that half).
Halves split_counts(std::span<const float> intensity, std::span<const std::uint8_t> measured,
                    std::uint64_t seed);

}  // namespace flashphase::score
