#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/frame/reconstruction.h"
#include "engine/infer/network.h"
#include "engine/infer/views.h"
#include "engine/refine/solver.h"
#include "tools/support_file.h"

namespace flashphase::tools {

/// How the starts of flashphase-reconstruct are made.
struct StartOptions {
  int per_frame = 1;
  std::uint64_t seed = 1;
  float spread = 0;  ///< radians by which the phases of further starts differ from the network's answer
};

/// What the schedule begins with: the network's answers to the views of the pattern (infer::Views), then
/// perturbed copies of the first; or random starts. What a
/// frame gets depends on its place in the file and the seed, not on the batches. Thread: one.
class StartMaker {
 public:
  /// Without a network the starts are random. `network` has to outlive it.
  StartMaker(const StartOptions& options, Network* network, std::optional<SupportFile> upper_limit);

  /// Starts for patterns that are these frames of the file. The first start of each frame with its
  /// support is in first_of_each() until the next call.
  refine::Starts operator()(const PatternBatch& patterns, std::span<const int> frames);
  const ObjectBatch& first_of_each() const { return first_; }

 private:
  refine::Starts of_frame(const PatternBatch& pattern, const ObjectBatch& answer,
                          std::span<const std::complex<float>> others, int frame) const;

  StartOptions options_;
  Network* network_;
  int views_ = 1;
  std::optional<infer::Views> view_;
  std::optional<SupportFile> upper_limit_;
  ObjectBatch first_;
};

}  // namespace flashphase::tools
