#include "service/pipeline/refine_worker.h"

#include <spdlog/spdlog.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/device/cores.h"
#include "engine/device/device_lost.h"

namespace flashphase::service {

namespace {

constexpr int kNice = 10;  // refinement takes the time that the frames to come leave

std::size_t most_at_once(const PipelineConfig& config, const refine::Solver& solver) {
  return config.refine_batch > 0 ? config.refine_batch : static_cast<std::size_t>(solver.preferred_batch());
}

}  // namespace

RefineWorker::RefineWorker(refine::Solver& solver, const ModelSlot& models, std::size_t index,
                           const refine::Schedule& schedule, const PipelineConfig& config, Metrics& metrics,
                           RefinePool& from, Queue<ToPublish>& publish, spdlog::logger& logger)
    : metrics_(metrics),
      from_(from),
      publish_(publish),
      logger_(logger),
      solver_(solver),
      models_(models),
      index_(index),
      schedule_(schedule),
      starts_(config.refine_starts),
      until_explained_(config.refine_policy == RefinePolicy::until_explained
                           ? std::optional(explain_options(config))
                           : std::nullopt),
      most_(most_at_once(config, solver)),
      in_hand_(metrics, Stage::refine) {
  follow_model();
}

void RefineWorker::follow_model() {
  if (model_ && model_->generation == models_.generation()) return;
  const std::uint64_t of_solver = solver_.out_of_memory();
  if (model_) tell_out_of_memory();
  refinement_.reset();
  model_ = models_.current();
  refinement_.emplace(solver_, schedule_, starts_, viewer());
  out_of_memory_ = of_solver;
}

Network* RefineWorker::viewer() const {
  const auto& viewers = model_->networks.viewers;
  return viewers.empty() ? nullptr : viewers[index_].get();
}

void RefineWorker::run(const std::function<std::optional<RefineLoss>()>& given_up) {
  let_others_go_first(kNice);
  std::vector<RefineJob> jobs;
  while (from_.pop_some(jobs, most_) > 0) {
    in_hand_.take(jobs.size());
    follow_model();
    if (const auto why = off_ ? RefineLoss::failed : given_up()) {
      lose(jobs, *why);
      in_hand_.pass_on(jobs.size());
    } else {
      refine(jobs);
    }
    jobs.clear();
    tell_out_of_memory();
  }
}

void RefineWorker::refine(std::span<RefineJob> jobs) {
  std::vector<std::unique_ptr<Reconstruction>> results;
  RefineLoss why = RefineLoss::unsolvable;
  try {
    results = results_of(jobs);
  } catch (const std::invalid_argument& error) {  // says something about one of these frames
    if (jobs.size() > 1) {
      for (std::size_t i = 0; i < jobs.size(); ++i) refine(jobs.subspan(i, 1));
      return;
    }
    logger_.debug("event=unsolvable sequence={} reason={}", jobs[0].pattern->id.sequence,
                  quoted(error.what()));
  } catch (const OutOfDeviceMemory& error) {  // the fast answers go on
    logger_.warn("event=refinement_off reason={}", quoted(error.what()));
    off_ = true;
    why = RefineLoss::failed;
  }
  if (results.empty()) {
    lose(jobs, why);
    in_hand_.pass_on(jobs.size());
  }
  for (std::size_t i = 0; i < results.size(); ++i) pass_on(jobs[i], std::move(results[i]));
}

std::vector<std::unique_ptr<Reconstruction>> RefineWorker::results_of(std::span<RefineJob> jobs) {
  return until_explained_ ? refinement_->round(jobs, *until_explained_) : (*refinement_)(jobs);
}

void RefineWorker::pass_on(RefineJob& job, std::unique_ptr<Reconstruction> result) {
  const bool last = !job.effort || job.effort->done();
  if (result && !is_finite(*result)) {
    lose({&job, 1}, RefineLoss::unsolvable);
  } else {
    const bool taken = !result || publish_.push(Outgoing{std::move(result), last}).empty();
    if (last && !taken) metrics_.refine_lost(RefineLoss::failed);
    if (!last) lose(from_.push(std::move(job)), RefineLoss::queue_full);
  }
  in_hand_.pass_on();
}

void RefineWorker::lose(std::span<const RefineJob> jobs, RefineLoss why) {
  metrics_.refine_lost(why, jobs.size());
  for (const RefineJob& job : jobs) (void)publish_.push(publish::Final{job.pattern->id});
}

void RefineWorker::tell_out_of_memory() {
  const std::uint64_t now = solver_.out_of_memory() + (viewer() != nullptr ? viewer()->out_of_memory() : 0);
  metrics_.out_of_memory(Stage::refine, now - std::exchange(out_of_memory_, now));
}

}  // namespace flashphase::service
