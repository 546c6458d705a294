#pragma once

#include <vector>

#include "engine/frame/reconstruction.h"

namespace flashphase::refine {

/// What the starts of one frame have come to.
struct Results {
  ObjectBatch objects;                     ///< [K, n, n] with residuals
  std::vector<int> iterations;             ///< [K]
  std::vector<float> free_log_likelihood;  ///< [K] where pixels were held out, else empty
};

}  // namespace flashphase::refine
