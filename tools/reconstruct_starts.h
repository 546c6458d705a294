#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/frame/reconstruction.h"
#include "engine/infer/network.h"
#include "engine/refine/network_starts.h"
#include "engine/refine/solver.h"
#include "tools/support_file.h"

namespace flashphase::tools {

/// What the schedule of flashphase-reconstruct begins with: starts from a network (refine::NetworkStarts) or
/// random ones. What a frame gets does not depend on the frames beside it. Thread: one.
class StartMaker {
 public:
  /// Without a network the starts are random. `network` has to outlive it.
  StartMaker(const refine::NetworkStartsOptions& options, Network* network,
             std::optional<SupportFile> upper_limit);

  /// Starts for patterns that are these frames of the file. The first start of each frame with its
  /// support is in first_of_each() until the next call.
  refine::Starts operator()(const PatternBatch& patterns, std::span<const int> frames);
  const ObjectBatch& first_of_each() const { return first_; }

 private:
  std::vector<std::uint8_t> limits_of(std::span<const int> frames) const;
  refine::Starts random(const PatternBatch& patterns, std::vector<std::uint8_t> upper_limit);

  refine::NetworkStartsOptions options_;
  Network* network_;
  refine::NetworkStarts from_network_;
  std::optional<SupportFile> upper_limit_;
  ObjectBatch first_;
};

}  // namespace flashphase::tools
