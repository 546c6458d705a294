#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "engine/infer/network.h"
#include "engine/refine/schedule.h"
#include "engine/refine/solver.h"
#include "service/monitor/log.h"
#include "service/pipeline/edges.h"
#include "service/pipeline/pipeline_config.h"
#include "service/pipeline/queue.h"

namespace flashphase::service {

/// refine: takes the frames that are to be refined from one queue, passes each result on to publish. Thread:
/// one, which run() keeps until the queue before it is drained. Where the device has no memory for one frame,
/// all that comes from then on is lost and counted.
class RefineWorker {
 public:
  /// All references and the viewer have to outlive it; `viewer`: see Refinement.
  RefineWorker(refine::Solver& solver, Network* viewer, const refine::Schedule& schedule,
               const ModelInfo& model, const PipelineConfig& config, Metrics& metrics, Queue<RefineJob>& from,
               Queue<ToPublish>& publish, spdlog::logger& logger);

  /// `given_up` says, for all that comes from then on, why it is not worth beginning any more.
  void run(const std::function<std::optional<RefineLoss>()>& given_up);

 private:
  void refine(std::span<const RefineJob> jobs);
  void tell_out_of_memory();

  Metrics& metrics_;
  Queue<RefineJob>& from_;
  Queue<ToPublish>& publish_;
  spdlog::logger& logger_;
  const refine::Solver& solver_;
  const Network* const viewer_;
  const std::size_t most_;  // frames in one call of the solver
  Refinement refinement_;
  InHand in_hand_;
  bool off_ = false;                 // no memory for it on the device
  std::uint64_t out_of_memory_ = 0;  // told to the metrics
};

}  // namespace flashphase::service
