#pragma once

#include <vector>

#include "engine/refine/cuda/runner.h"

namespace flashphase::refine::cuda {

/// The memory of a slot on a host without a device.
struct HostStaging {
  HostStaging() = default;
  explicit HostStaging(const RunnerShape& shape)
      : planes(static_cast<std::size_t>(shape.frames * shape.planes()) * shape.pattern_cells()),
        scale(static_cast<std::size_t>(shape.frames)),
        start(static_cast<std::size_t>(shape.jobs()) * shape.object_cells()),
        object(start.size()),
        support(static_cast<std::size_t>(shape.frames) * shape.object_cells()),
        limit(shape.limited ? support.size() : 0),
        best_support(start.size()),
        outcome(static_cast<std::size_t>(shape.jobs())),
        last(start.size()) {}

  Staging spans() { return {planes, scale, start, support, limit, object, best_support, outcome}; }

  StartsOnDevice on_device(const RunnerShape& shape) {
    return {.n = shape.n,
            .per_frame = shape.per_frame,
            .planes = planes.data(),
            .scale = scale.data(),
            .start = start.data(),
            .support = support.data(),
            .limit = shape.limited ? limit.data() : nullptr,
            .object = object.data(),
            .best_support = best_support.data(),
            .outcome = outcome.data(),
            .last = last.data()};
  }

  std::vector<float> planes;
  std::vector<FrameScale> scale;
  std::vector<Complex> start, object;
  std::vector<std::uint8_t> support, limit, best_support;
  std::vector<Outcome> outcome;
  std::vector<Complex> last;
};

}  // namespace flashphase::refine::cuda
