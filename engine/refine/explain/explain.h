#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "engine/refine/solver.h"

namespace flashphase::refine {

/// When a frame is left, and how much is done before.
struct ExplainOptions {
  /// A pattern that is not counted (not whole numbers) is explained below this modulus chi^2: what the
  /// weakest edges leave that a support cuts off. See README.md for the error rates.
  float exact = 3e-6f;
  /// A counted one is explained below this many times what counting noise leaves (score::noise_residual);
  /// with 0 none is counted.
  float noise = 2;
  /// Every pattern counts as counted: photons after a flat field, say, which are no whole numbers.
  bool photons = false;
  int iterations = 24'000;  ///< most of a frame, all rounds together
  std::uint64_t seed = 1;   ///< of the random starts
};

/// Whether counting noise is what ends the pattern's fit: its measured intensities are whole numbers, or the
/// options say so.
bool is_counted(std::span<const float> intensity, std::span<const std::uint8_t> measured,
                const ExplainOptions& options);

/// The residual up to which a pattern is explained. `noise_residual`: score::noise_residual of it, read where
/// it is counted.
float explained_below(const ExplainOptions& options, bool counted, float noise_residual);

/// What computes ML (Effort::next_round) beside a solver that does not; nullptr where `solver` does.
std::unique_ptr<Solver> make_climber(const Solver& solver);

/// A solver that gives each frame as much effort as it needs: rounds, each for the frames that are not yet
/// explained, where the schedule says so (Schedule::until_explained, the preset "explain"); other schedules
/// go to `solver` as they are. The support stays what it is at the start, so that residuals compare.
///
/// Rounds of a frame: `polish` from each of its starts in turn; the rest of `thorough` from each of these
/// results, the best first; then `thorough` from random starts inside the support, one after another. What
/// comes out has the lowest residual of all.
///
/// A pattern that is noisy begins with 60 iterations of ML (maximum_likelihood.h) from each start, and
/// whatever is found later ends in as many. All starts are tried, since few photons explain wrong images too,
/// before it is asked whether noise explains what there is. The first start as it is, the network's answer,
/// is left only for one that fits better by more than fitting noise brings (effort.cpp).
///
/// Where counting noise leaves more than 3e-3 (below some 3e5 photons) and all that was found disagrees,
/// nothing of it can be told from the rest, and the average of the better half comes out (average.h), if
/// noise explains it as well.
///
/// A frame is left when its residual is explained (Outcome::explained), when a random start comes to the same
/// image at the same residual, which wrong images hardly ever do twice (Outcome::reproduced), or when its
/// iterations are spent (Outcome::given_up). What a frame gets does not depend on the frames beside it.
///
/// Throws as `solver`, and std::invalid_argument where the schedule is to explain and `Starts::choosing`
/// holds pixels out, breeds generations or chooses by something else than the residual.
std::unique_ptr<Solver> make_explaining_solver(std::unique_ptr<Solver> solver,
                                               const ExplainOptions& options = {});

}  // namespace flashphase::refine
