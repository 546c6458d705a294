#pragma once

#include <cstdint>
#include <vector>

#include "engine/frame/reconstruction.h"
#include "engine/infer/network.h"
#include "engine/refine/solver.h"
#include "engine/refine/starts/network_starts.h"

namespace flashphase::tools {

/// What the schedule of flashphase-reconstruct begins with: starts from a network (refine::NetworkStarts) or
/// random ones. What a frame gets does not depend on the frames beside it. Thread: one.
class StartMaker {
 public:
  /// Without a network the starts are random. `network` has to outlive it.
  StartMaker(const refine::NetworkStartsOptions& options, Network* network);

  /// `upper_limit`: [frames, n, n], 1 where the object may be; empty = anywhere. The first start of each
  /// frame with its support is in first_of_each() until the next call.
  refine::Starts operator()(const PatternBatch& patterns, std::vector<std::uint8_t> upper_limit);
  const ObjectBatch& first_of_each() const { return first_; }

 private:
  refine::Starts random(const PatternBatch& patterns, std::vector<std::uint8_t> upper_limit);

  refine::NetworkStartsOptions options_;
  Network* network_;
  refine::NetworkStarts from_network_;
  ObjectBatch first_;
};

}  // namespace flashphase::tools
