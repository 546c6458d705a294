#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/infer/network.h"
#include "engine/refine/schedule.h"
#include "engine/refine/solver.h"
#include "service/monitor/log.h"
#include "service/pipeline/edges.h"
#include "service/pipeline/model_slot.h"
#include "service/pipeline/pipeline_config.h"
#include "service/pipeline/queue.h"
#include "service/pipeline/refine_pool.h"

namespace flashphase::service {

/// refine: takes the frames that are to be refined from the pool, passes each result on to publish, and puts
/// frames that are to have further rounds back. Thread: one, which run() keeps until the pool is closed and
/// empty. Where the device has no memory for one frame, all that comes from then on is lost and counted.
class RefineWorker {
 public:
  /// All references have to outlive it. `index`: of its viewer among those of the slot's models, if they have
  /// any.
  RefineWorker(refine::Solver& solver, const ModelSlot& models, std::size_t index,
               const refine::Schedule& schedule, const PipelineConfig& config, Metrics& metrics,
               RefinePool& from, Queue<ToPublish>& publish, spdlog::logger& logger);

  /// `given_up` says, for all that comes from then on, why it is not worth beginning any more.
  void run(const std::function<std::optional<RefineLoss>()>& given_up);

 private:
  void follow_model();
  Network* viewer() const;
  void refine(std::span<RefineJob> jobs);
  std::vector<std::unique_ptr<Reconstruction>> results_of(std::span<RefineJob> jobs);
  /// What has come of a job in hand, if anything.
  void pass_on(RefineJob& job, std::unique_ptr<Reconstruction> result);
  /// Counts what will not be refined, or no further, and lets those know who wait for it.
  void lose(std::span<const RefineJob> jobs, RefineLoss why);
  void tell_out_of_memory();

  Metrics& metrics_;
  RefinePool& from_;
  Queue<ToPublish>& publish_;
  spdlog::logger& logger_;
  refine::Solver& solver_;
  const ModelSlot& models_;
  const std::size_t index_;
  const refine::Schedule& schedule_;
  const int starts_;
  const std::optional<refine::ExplainOptions> until_explained_;
  const std::size_t most_;  // frames in one call of the solver
  std::shared_ptr<const ModelSlot::Model> model_;
  std::optional<Refinement> refinement_;  // with the viewer of model_
  InHand in_hand_;
  bool off_ = false;                 // no memory for it on the device
  std::uint64_t out_of_memory_ = 0;  // of solver and viewer, told to the metrics
};

}  // namespace flashphase::service
