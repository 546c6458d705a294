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

/// A solver that gives each frame as much effort as it needs: rounds, each for the frames that are not yet
/// explained, where the schedule says so (Schedule::until_explained, the preset "explain"); other schedules
/// go to `solver` as they are. The support stays what it is at the start, so that residuals compare.
///
/// Rounds of a frame: `polish` from each of its starts in turn; the rest of `thorough` from each of these
/// results, the best first; then `thorough` from random starts inside the support, one after another. A
/// counted pattern begins with the first start as it is, which noise may explain already, and with `polish`
/// as `Starts::choosing` asks. What comes out has the lowest residual of all.
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
