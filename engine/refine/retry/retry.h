#pragma once

#include <memory>

#include "engine/refine/solver.h"

namespace flashphase::refine {

/// A solver that tries a frame again where its result does not convince, and the schedule says so
/// (Schedule::tries_areas, the preset "random"); other schedules go to `solver` as they are. Frames whose
/// zero of Q is not measured, or whose support is above 0.8 of the square, are looked at.
///
/// Behind a beam stop that hides the first maximum nothing holds the low frequencies, which outshine the
/// object: shrink-wrap by a threshold of the maximum then keeps the whole square, where any noise fits, or
/// cuts off what is weak. Tried are supports of a given area instead, 0.7, 1, 0.5, 0.35 and 1.4 times what
/// the autocorrelation gives (extent_of() of the tapered() pattern), from 1.5 times that on, with 1000
/// iterations of RAAR and 100 of ER from the frame's first 8 starts; then the best of them from the first 24
/// (from as many as there are). In supports of one area residuals compare: the lowest comes out, no average.
///
/// What a result is worth is the PRTF, weighted with the photons of its rings (1 for single starts), less by
/// as much as its residual is above what counting leaves (score::noise_residual) and its support above three
/// times the area of the autocorrelation. With 0.95 a frame is left; else the result worth most comes out, in
/// doubt the first. What a frame gets does not depend on the frames beside it. Throws as `solver`.
std::unique_ptr<Solver> make_retrying_solver(std::unique_ptr<Solver> solver);

}  // namespace flashphase::refine
