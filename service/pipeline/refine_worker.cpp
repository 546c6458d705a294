#include "service/pipeline/refine_worker.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/device/device_lost.h"

namespace flashphase::service {

namespace {

/// On Linux a nice value is a thread's own: refinement takes the time that the frames to come leave.
void let_others_go_first() {
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 10);
}

std::size_t most_at_once(const PipelineConfig& config, const refine::Solver& solver) {
  return config.refine_batch > 0 ? config.refine_batch : static_cast<std::size_t>(solver.preferred_batch());
}

}  // namespace

RefineWorker::RefineWorker(refine::Solver& solver, Network* viewer, const refine::Schedule& schedule,
                           const ModelInfo& model, const PipelineConfig& config, Metrics& metrics,
                           Queue<RefineJob>& from, Queue<ToPublish>& publish, spdlog::logger& logger)
    : metrics_(metrics),
      from_(from),
      publish_(publish),
      logger_(logger),
      solver_(solver),
      viewer_(viewer),
      most_(most_at_once(config, solver)),
      refinement_(solver, schedule, model, config.refine_starts, viewer),
      in_hand_(metrics, Stage::refine) {}

void RefineWorker::run(const std::function<std::optional<RefineLoss>()>& given_up) {
  let_others_go_first();
  std::vector<RefineJob> jobs;
  while (from_.pop_some(jobs, most_) > 0) {
    in_hand_.take(jobs.size());
    if (const auto why = off_ ? RefineLoss::failed : given_up()) {
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
  } catch (const OutOfDeviceMemory& error) {  // the fast answers go on
    logger_.warn("event=refinement_off reason={}", quoted(error.what()));
    off_ = true;
    metrics_.refine_lost(RefineLoss::failed, jobs.size());
    in_hand_.pass_on(jobs.size());
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
  const std::uint64_t now = solver_.out_of_memory() + (viewer_ != nullptr ? viewer_->out_of_memory() : 0);
  metrics_.out_of_memory(Stage::refine, now - std::exchange(out_of_memory_, now));
}

}  // namespace flashphase::service
