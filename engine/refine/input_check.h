#pragma once

#include "engine/refine/solver.h"

namespace flashphase::refine {

/// Throws std::invalid_argument naming what does not fit, for every solver in the same words (see Solver).
void check_input(const PatternBatch& patterns, const Starts& starts);
/// For solvers that run a schedule once.
void check_input(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule);
/// Throws std::invalid_argument where the schedule has a step that the solver has not.
void check_steps(const Solver& solver, const Schedule& schedule);

}  // namespace flashphase::refine
