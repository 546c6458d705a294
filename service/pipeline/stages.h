#pragma once

#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "engine/frame/reconstruction.h"
#include "engine/frame/rejection.h"
#include "engine/infer/network.h"
#include "engine/preprocess/preprocess.h"
#include "engine/refine/explain/effort.h"
#include "engine/refine/schedule.h"
#include "engine/refine/solver.h"
#include "engine/refine/starts/network_starts.h"
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
  virtual ~Preparation() = default;

  /// `taken`: when the frame left the queue of ingest.
  virtual Result<Prepared> operator()(const Frame& frame, Clock::time_point taken) const;
  /// See preprocess::share_of_marks.
  double share_of_marks(const Frame& frame) const { return preprocess_.share_of_marks(frame); }

 private:
  select::HitFinder select_;
  preprocess::Preprocessor preprocess_;
};

/// infer and score. Thread: one.
class Inference {
 public:
  /// The network has to outlive it. `model`: what results say of it.
  Inference(Network& network, std::shared_ptr<const ModelInfo> model);

  /// Begins with a batch. Precondition: open() is less than the network's overlap().
  void submit(std::vector<Prepared> batch);
  /// Batches that were submitted and not yet collected.
  std::size_t open() const { return open_.size(); }
  /// Results of the batch that was submitted first: one per pattern, in their order.
  std::vector<std::unique_ptr<Reconstruction>> collect();

  /// The object behind result `index` of the batch collected last, for refinement to start from.
  ObjectBatch object(int index) const;

 private:
  struct Open {
    std::vector<Prepared> batch;
    Clock::time_point submitted;
  };
  void score(const std::vector<Prepared>& batch);

  Network& network_;
  const std::shared_ptr<const ModelInfo> model_;
  score::ModulusScorer score_;
  PatternBatch patterns_;  // both keep their memory from batch to batch
  ObjectBatch objects_;
  std::deque<Open> open_;
};

/// A frame to be refined.
struct RefineJob {
  std::shared_ptr<const Pattern> pattern;
  ObjectBatch start;                       ///< one object
  std::shared_ptr<const ModelInfo> model;  ///< that gave it
  StageTimes times;                        ///< so far
  Clock::time_point asked;
  std::unique_ptr<refine::Effort>
      effort{};    ///< until_explained, from its first round on; the pattern is its too
  int rounds = 0;  ///< that are done
};

/// refine. Thread: one.
class Refinement {
 public:
  /// All references and the viewer have to outlive it. `starts`: per frame, as refine::NetworkStarts makes
  /// them; with two or more the results say how far they agree. The viewer is a network for further views, or
  /// nullptr for none. What comes out lies where the network's answer does (twin, translation, phase).
  Refinement(refine::Solver& solver, const refine::Schedule& schedule, int starts = 1,
             Network* viewer = nullptr);

  /// One result per job, in their order. Throws std::invalid_argument when one of the frames cannot be
  /// refined (no support, nothing measured, ...).
  std::vector<std::unique_ptr<Reconstruction>> operator()(std::span<const RefineJob> jobs);

  /// One round for each job instead, until Effort::done(); the schedule is not read. One result per job: the
  /// best answer so far where this round brought it or was the last, else null. Throws as above.
  std::vector<std::unique_ptr<Reconstruction>> round(std::span<RefineJob> jobs,
                                                     const refine::ExplainOptions& options);

 private:
  void begin(std::span<RefineJob> jobs, const refine::ExplainOptions& options);
  std::unique_ptr<Reconstruction> result_of(const RefineJob& job, const ObjectBatch& objects,
                                            int index) const;

  refine::Solver& solver_;
  const std::unique_ptr<refine::Solver> climber_;  ///< where the solver has no ML
  const refine::Schedule& schedule_;
  refine::NetworkStarts starts_of_;
  PatternBatch patterns_;  // all keep their memory from call to call
  ObjectBatch answers_;
  refine::Refined refined_;
};

}  // namespace flashphase::service
