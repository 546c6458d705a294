#include "service/pipeline/refine_worker.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/refine/cuda/solver.h"

namespace flashphase::service {

namespace {

/// Frames that keep a GPU busy with refinement.
constexpr std::size_t kGpuBatch = 256;

/// On Linux a nice value is a thread's own: refinement takes the time that the frames to come leave.
void let_others_go_first() {
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 10);
}

std::size_t most_at_once(const PipelineConfig& config, bool on_gpu) {
  if (config.refine_batch > 0) return config.refine_batch;
  return on_gpu ? kGpuBatch : 1;
}

}  // namespace

RefineWorker::RefineWorker(refine::Solver& solver, Network* viewer, const refine::Schedule& schedule,
                           const ModelInfo& model, const PipelineConfig& config, Metrics& metrics,
                           Queue<RefineJob>& from, Queue<ToPublish>& publish, spdlog::logger& logger)
    : metrics_(metrics),
      from_(from),
      publish_(publish),
      logger_(logger),
      gpu_(dynamic_cast<const refine::CudaSolver*>(&solver)),
      viewer_(viewer),
      most_(most_at_once(config, gpu_ != nullptr)),
      refinement_(solver, schedule, model, config.refine_starts, viewer),
      in_hand_(metrics, Stage::refine) {}

void RefineWorker::run(const std::function<std::optional<RefineLoss>()>& given_up) {
  let_others_go_first();
  std::vector<RefineJob> jobs;
  while (from_.pop_some(jobs, most_) > 0) {
    in_hand_.take(jobs.size());
    if (const auto why = given_up()) {
      metrics_.refine_lost(*why, jobs.size());
      in_hand_.pass_on(jobs.size());
    } else {
      refine(jobs);
    }
    jobs.clear();
    tell_out_of_memory();
  }
}

void RefineWorker::refine(std::span<const RefineJob> jobs) {
  std::vector<std::unique_ptr<Reconstruction>> results;
  try {
    results = refinement_(jobs);
  } catch (const std::invalid_argument& error) {  // says something about one of these frames
    if (jobs.size() > 1) {
      for (std::size_t i = 0; i < jobs.size(); ++i) refine(jobs.subspan(i, 1));
      return;
    }
    logger_.debug("event=unsolvable sequence={} reason={}", jobs[0].pattern->id.sequence,
                  quoted(error.what()));
    metrics_.refine_lost(RefineLoss::unsolvable);
    in_hand_.pass_on();
  }
  for (auto& result : results) {
    if (is_finite(*result))
      metrics_.refine_lost(RefineLoss::failed, publish_.push(std::move(result)).size());
    else
      metrics_.refine_lost(RefineLoss::unsolvable);
    in_hand_.pass_on();
  }
}

void RefineWorker::tell_out_of_memory() {
  const std::uint64_t now = (gpu_ != nullptr ? gpu_->counters().smaller_buckets : 0) +
                            (viewer_ != nullptr ? viewer_->out_of_memory() : 0);
  metrics_.out_of_memory(Stage::refine, now - std::exchange(out_of_memory_, now));
}

}  // namespace flashphase::service
