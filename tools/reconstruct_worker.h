#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/frame/dataset.h"
#include "engine/frame/reconstruction.h"
#include "engine/infer/network.h"
#include "engine/refine/schedule.h"
#include "engine/refine/solver.h"
#include "engine/score/score.h"
#include "tools/reconstruct_starts.h"
#include "tools/results_file.h"
#include "tools/support_file.h"

namespace flashphase::tools {

/// What flashphase-reconstruct does to each frame.
struct ReconstructionPlan {
  refine::Schedule schedule;
  refine::NetworkStartsOptions starts;
  refine::Choosing choosing{};
  std::optional<SupportFile> upper_limit{};
};

/// Reconstructs frames of a dataset. What a frame gets does not depend on the frames beside it. Thread: one.
class ReconstructionWorker {
 public:
  /// Without a network the starts are random.
  ReconstructionWorker(const ReconstructionPlan& plan, int pattern_size, std::unique_ptr<Network> network,
                       std::unique_ptr<refine::Solver> solver);

  /// Fills in what there is per frame, except the unwrapped phase and the resolution. A frame without any
  /// measured pixel counts as one without signal, and is named on stderr.
  ReconstructionResults operator()(const Dataset& dataset, std::span<const int> frames);

 private:
  refine::Schedule schedule_;
  refine::Choosing choosing_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<refine::Solver> solver_;
  StartMaker make_starts_;
  score::ModulusScorer score_;
  refine::Refined refined_;
};

/// Fills `results`, whose `frames` are set, with what the workers make of them, `batch` frames at a time and
/// each worker in a thread of its own. Throws what the first worker that fails throws.
void reconstruct_frames(std::vector<ReconstructionWorker>& workers, const Dataset& dataset, int batch,
                        ReconstructionResults& results);

}  // namespace flashphase::tools
