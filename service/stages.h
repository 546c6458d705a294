#pragma once

#include <memory>
#include <vector>

#include "engine/frame/reconstruction.h"
#include "engine/frame/rejection.h"
#include "engine/infer/network.h"
#include "engine/preprocess/preprocess.h"
#include "engine/refine/schedule.h"
#include "engine/refine/solver.h"
#include "engine/score/score.h"
#include "engine/select/hit_finder.h"

/// The stages between ingest and publish as plain synchronous objects that fill in the times: no queue, no
/// thread, no socket, no metric. The pipeline gives each worker its own.
namespace flashphase::service {

/// A pattern, and when it was ready for the network.
struct Prepared {
  std::shared_ptr<const Pattern> pattern;
  Clock::time_point ready;
};

/// select and preprocess. Const and thread-safe.
class Preparation {
 public:
  Preparation(select::HitFinder select, preprocess::Preprocessor preprocess);

  /// `taken`: when the frame left the queue of ingest.
  Result<Prepared> operator()(const Frame& frame, Clock::time_point taken) const;

 private:
  select::HitFinder select_;
  preprocess::Preprocessor preprocess_;
};

/// infer and score. Thread: one.
class Inference {
 public:
  explicit Inference(Network& network);  ///< has to outlive it

  /// One result per pattern, in their order.
  std::vector<std::unique_ptr<Reconstruction>> operator()(const std::vector<Prepared>& batch);

  /// The object behind result `index` of the last batch, for refinement to start from.
  ObjectBatch object(int index) const;

 private:
  Network& network_;
  score::ModulusScorer score_;
  PatternBatch patterns_;  // both keep their memory from batch to batch
  ObjectBatch objects_;
};

/// A frame to be refined.
struct RefineJob {
  std::shared_ptr<const Pattern> pattern;
  ObjectBatch start;  ///< one object
  StageTimes times;   ///< so far
  Clock::time_point asked;
};

/// refine. Thread: one.
class Refinement {
 public:
  /// All three have to outlive it.
  Refinement(refine::Solver& solver, const refine::Schedule& schedule, const ModelInfo& model);

  /// Throws std::invalid_argument when this frame cannot be refined (no support, nothing measured, ...).
  std::unique_ptr<Reconstruction> operator()(const RefineJob& job);

 private:
  refine::Solver& solver_;
  const refine::Schedule& schedule_;
  const ModelInfo& model_;
  PatternBatch pattern_;  // both keep their memory from frame to frame
  refine::Refined refined_;
};

}  // namespace flashphase::service
