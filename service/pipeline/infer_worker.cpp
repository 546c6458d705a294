#include "service/pipeline/infer_worker.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "engine/score/noise.h"

namespace flashphase::service {

InferWorker::InferWorker(const ModelSlot& models, std::size_t index, const PipelineConfig& config,
                         Metrics& metrics, Rejections& rejections, Queue<ToInfer>& from,
                         Queue<ToPublish>& publish, RefinePool& refine)
    : config_(config),
      metrics_(metrics),
      rejections_(rejections),
      queue_(from),
      from_(from),
      publish_(publish),
      refine_(refine),
      models_(models),
      index_(index),
      batcher_(config.batch_size, config.batch_deadline),
      in_hand_(metrics, Stage::infer) {
  follow_model();
}

void InferWorker::follow_model() {
  if (model_ && model_->generation == models_.generation()) return;
  if (inference_) deliver_all();
  inference_.reset();
  model_ = models_.current();
  inference_.emplace(network(), model_->info);
  out_of_memory_ = 0;
}

void InferWorker::run() {
  std::vector<ToInfer> items;
  for (bool drained = false; !drained;) {
    // While an answer is under way, it is the next to wait for once the queue is empty.
    const auto due =
        inference_->open() > 0 ? Clock::time_point() : batcher_.due().value_or(Clock::time_point::max());
    const std::size_t count = from_.pop_some(items, config_.batch_size, due);
    in_hand_.take(count_of<Prepared>(items));
    for (ToInfer& item : items) take(std::move(item));
    items.clear();
    drained = count == 0 && queue_.drained();
    if (drained)
      infer(batcher_.take());
    else if (auto batch = batcher_.poll(Clock::now()))
      infer(std::move(*batch));
    if (count == 0 && inference_->open() > 0) deliver();
  }
  deliver_all();
}

void InferWorker::take(ToInfer item) {
  if (auto* prepared = std::get_if<Prepared>(&item)) {
    const auto ready = prepared->ready;
    if (auto batch = batcher_.add(std::move(*prepared), ready)) infer(std::move(*batch));
  } else {  // a begin or an end of a run keeps its place among the frames
    infer(batcher_.take());
    deliver_all();
    (void)publish_.push(std::get<publish::RunEvent>(std::move(item)));
    from_.passed_on(1);
  }
}

/// While the network is at a batch, the one before it is delivered.
void InferWorker::infer(std::vector<Prepared> batch) {
  if (batch.empty()) return;
  follow_model();
  inference_->submit(std::move(batch));
  if (inference_->open() == static_cast<std::size_t>(network().overlap())) deliver();
}

void InferWorker::deliver_all() {
  while (inference_->open() > 0) deliver();
}

void InferWorker::deliver() {
  auto results = inference_->collect();
  metrics_.out_of_memory(
      Stage::infer, network().out_of_memory() - std::exchange(out_of_memory_, network().out_of_memory()));
  for (std::size_t i = 0; i < results.size(); ++i) pass_on(std::move(results[i]), static_cast<int>(i));
  from_.passed_on(results.size());
}

/// To publish first: the fast answer does not wait for the good one, and goes out before it.
void InferWorker::pass_on(std::unique_ptr<Reconstruction> result, int index) {
  if (!is_finite(*result)) {
    rejections_.add(Rejection::not_finite, &result->pattern->id, "the network's image holds no numbers");
    return in_hand_.pass_on();
  }
  if (config_.refine_policy == RefinePolicy::until_explained) look_whether_explained(*result);
  std::optional<RefineJob> job;
  if (to_be_refined(*result))
    job = RefineJob{result->pattern, inference_->object(index), model_->info, result->times, Clock::now()};
  const std::size_t not_taken = publish_.push(Outgoing{std::move(result), !job.has_value()}).size();
  metrics_.dropped(Stage::infer, DropReason::failed, not_taken);
  in_hand_.pass_on();
  if (!job || not_taken > 0) return;
  InHand refinement(metrics_, Stage::refine);
  refinement.take();
  const auto lost = refine_.push(std::move(*job));
  refinement.pass_on();
  metrics_.refine_lost(refine_.closed() ? RefineLoss::failed : RefineLoss::queue_full, lost.size());
  for (const RefineJob& one : lost) (void)publish_.push(publish::Final{one.pattern->id});
}

void InferWorker::look_whether_explained(Reconstruction& inferred) const {
  const refine::ExplainOptions options = explain_options(config_);
  inferred.explained =
      inferred.residual <= refine::explained_below(options, options.photons, inferred.noise_residual);
  // Few photons explain answers that maximum likelihood betters still.
  const bool may_gain = options.photons && score::is_noisy(inferred.noise_residual);
  if (*inferred.explained && !may_gain) inferred.outcome = Outcome::explained;
}

bool InferWorker::to_be_refined(const Reconstruction& inferred) const {
  switch (config_.refine_policy) {
    case RefinePolicy::off:
      return false;
    case RefinePolicy::all:
      return true;
    case RefinePolicy::above_residual:
      return inferred.residual > config_.refine_residual;
    case RefinePolicy::above_noise:
      return inferred.residual > config_.refine_noise_factor * inferred.noise_residual;
    case RefinePolicy::until_explained:
      return !inferred.outcome;
  }
  return false;
}

}  // namespace flashphase::service
