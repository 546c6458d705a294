#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "engine/dataset/dataset.h"
#include "engine/dataset/results_file.h"
#include "engine/frame/reconstruction.h"
#include "engine/infer/network.h"
#include "engine/refine/schedule.h"
#include "engine/refine/solver.h"
#include "engine/score/score.h"
#include "tools/programs/reconstruct_starts.h"
#include "tools/shared/support_file.h"

namespace flashphase::tools {

/// What flashphase-reconstruct does to each frame.
struct ReconstructionPlan {
  refine::Schedule schedule;
  refine::NetworkStartsOptions starts;
  refine::Choosing choosing{};
  bool unwrap = false;
};

/// Reconstructs patterns. What a frame gets does not depend on the frames beside it. Thread: one.
class ReconstructionWorker {
 public:
  /// Without a network the starts are random.
  ReconstructionWorker(const ReconstructionPlan& plan, int pattern_size, std::unique_ptr<Network> network,
                       std::unique_ptr<refine::Solver> solver);

  /// All of the results but `frames`. `upper_limit` as in StartMaker.
  ReconstructionResults operator()(const PatternBatch& patterns, std::vector<std::uint8_t> upper_limit);

 private:
  void add_resolution(ReconstructionResults& results, int rings) const;
  void add_unwrapped_phase(ReconstructionResults& results, int size) const;

  refine::Schedule schedule_;
  refine::Choosing choosing_;
  bool unwrap_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<refine::Solver> solver_;
  StartMaker make_starts_;
  score::ModulusScorer score_;
  refine::Refined refined_;
};

/// The frames of a file from one end to the other: read, reconstructed, written, a batch at a time. Memory
/// goes with the batch and the workers, and a few numbers with each frame.
class ReconstructionRun {
 public:
  struct Files {
    const DatasetReader& in;
    const SupportFile* support;  ///< null = none
    ResultsWriter& out;
  };
  ReconstructionRun(Files files, std::span<const int> frames, int batch);

  /// Each worker in a thread of its own, until all frames are done or stop_requested(). Throws what the first
  /// worker that fails throws.
  void run(std::vector<ReconstructionWorker>& workers);

  /// Frames that are done and written: the first of those asked for.
  std::size_t done() const;
  const std::vector<int>& without_image() const { return without_image_; }
  const MeasuredShare& measured() const { return measured_; }
  /// Of each frame done, where there is one: residual before and after the schedule, agreement.
  const ReconstructionResults& figures() const { return figures_; }

 private:
  void work(ReconstructionWorker& worker);
  std::size_t batches() const { return (frames_.size() + batch_ - 1) / batch_; }

  Files files_;
  std::span<const int> frames_;
  std::size_t batch_;
  std::atomic<std::size_t> next_{0};  ///< batch
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;  ///< of the files and of what follows
  std::vector<int> without_image_;
  MeasuredShare measured_;
  ReconstructionResults figures_;
};

}  // namespace flashphase::tools
