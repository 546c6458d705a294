#pragma once

#include <cstdint>

#include "engine/refine/solver.h"

namespace flashphase::tools {

struct RefineProblem {
  PatternBatch patterns;
  refine::Starts starts;
};

/// Discs of random complex values and random starts on the right support, n = m / 2: the speed does not
/// depend on the image.
RefineProblem make_refine_problem(int frames, int m, std::uint64_t seed);

}  // namespace flashphase::tools
