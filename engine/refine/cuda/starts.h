#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/refine/cuda/pixels.h"

namespace flashphase::refine::cuda {

/// Power of the scaled pattern and what gives its own units back (Iterate).
struct FrameScale {
  float energy = 0, unit = 1;
};

/// What has come of a start.
struct Outcome {
  float chi2 = Progress::kNone;  ///< kNone: it came to nothing
  int iterations = 0;
};

/// A batch as kernels take it, by value. Starts are [frames, K], all else is by frame.
struct StartsOnDevice {
  int n = 0;
  int per_frame = 1;                  ///< K
  const float* planes = nullptr;      ///< [frames, 1 or 3, m, m] modulus (, low, high) in the runner's order
  const FrameScale* scale = nullptr;  ///< [frames]
  const Complex* start = nullptr;     ///< [frames, K, n, n]
  const std::uint8_t* support = nullptr;  ///< [frames, n, n]
  const std::uint8_t* limit = nullptr;    ///< [frames, n, n] upper limit of supports; null: the whole square
  Complex* object = nullptr;              ///< [frames, K, n, n] best candidates
  std::uint8_t* best_support = nullptr;   ///< [frames, K, n, n]
  Outcome* outcome = nullptr;             ///< [frames, K]
  Complex* last = nullptr;  ///< [frames, K, n, n] of accelerated ER, for kernels without room for it

  FLASHPHASE_HD const std::uint8_t* limit_of(int frame) const {
    return limit ? limit + static_cast<std::size_t>(frame) * (n * n) : nullptr;
  }
  FLASHPHASE_HD TargetPlanes target(int frame, int m, bool bounded) const {
    const std::size_t cells = static_cast<std::size_t>(m) * static_cast<std::size_t>(m);
    const float* first = planes + static_cast<std::size_t>(frame) * (bounded ? 3 : 1) * cells;
    if (!bounded) return {first, nullptr, nullptr};
    return {first, first + cells, first + 2 * cells};
  }
};

}  // namespace flashphase::refine::cuda
