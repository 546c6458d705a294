#pragma once

#include <vector>

#include "engine/frame/reconstruction.h"
#include "engine/refine/solver.h"

namespace flashphase::refine {

/// What the starts of one frame have come to.
struct Results {
  ObjectBatch objects;                     ///< [K, n, n] with residuals
  std::vector<int> iterations;             ///< [K]
  std::vector<float> free_log_likelihood;  ///< [K] where pixels were held out, else empty
};

/// One frame's share of Refined.
struct Chosen {
  int index = 0;
  float agreement = -1;
  std::vector<float> prtf;
  std::vector<std::complex<float>> mean;  ///< [n, n] of the better half, aligned on the chosen one
};

/// The result with the lowest residual.
int lowest_residual(const Results& results);

/// Chooses as `choosing` says and computes agreement, PRTF and mean over the better half by residual (at
/// least two, the chosen one included), for a pattern of m x m pixels. Precondition: K >= 1.
Chosen choose(const Results& results, const Choosing& choosing, int m);

/// The next generation of starts [K, n, n]: the chosen one as it is, each other the mean of itself and the
/// chosen one once aligned (guided: the best breeds. Chen, Miao, Wang & Lee, Phys. Rev. B 76, 064113, 2007).
std::vector<std::complex<float>> bred(const Results& results, int chosen);

}  // namespace flashphase::refine
