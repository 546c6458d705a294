#include "service/pipeline/pipeline.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <new>
#include <stdexcept>
#include <utility>

#include "engine/device/device_lost.h"
#include "engine/device/range.h"
#include "service/pipeline/infer_worker.h"
#include "service/pipeline/ingest_worker.h"
#include "service/pipeline/refine_worker.h"
#include "service/publish/encode.h"

namespace flashphase::service {

namespace {

/// How often publish looks after its sinks while nothing comes.
constexpr std::chrono::milliseconds kWake{50};
/// Most items taken from a queue at once: enough to spare the lock, few enough to keep times honest.
constexpr std::size_t kHandful = 32;
/// One frame in so many is looked at for pixels that are marked instead of measured, which are told of above
/// a share.
constexpr std::uint64_t kMarksEvery = 1024;
constexpr double kManyMarks = 0.01;

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

std::size_t infer_queue_capacity(const PipelineConfig& config, const ModelSlot& models) {
  return std::max<std::size_t>(64, 2 * config.batch_size * models.current()->networks.workers.size());
}

}  // namespace

Pipeline::Pipeline(const PipelineConfig& config, Stages stages, Metrics& metrics,
                   std::shared_ptr<spdlog::logger> logger)
    : config_(config),
      stages_(std::move(stages)),
      models_(std::move(stages_.networks)),
      metrics_(metrics),
      logger_(std::move(logger)),
      rejections_(metrics_, *logger_),
      sources_left_(stages_.sources.size()),
      preprocess_queue_(config.ingest_queue, WhenFull::drop_oldest, config.ingest_bytes, &bytes_of,
                        &is_run_event<Ingested>),
      infer_queue_(infer_queue_capacity(config, models_), WhenFull::block, 0, nullptr,
                   &is_run_event<ToInfer>),
      refine_pool_(config.refine_queue),
      publish_queue_(infer_queue_capacity(config, models_), WhenFull::block) {
  if (config_.refine_policy != RefinePolicy::off && stages_.solvers.empty())
    throw std::invalid_argument("refinement needs a solver");
  check_viewers(models_.current()->networks);
  for (std::size_t i = 0; i < stages_.sinks.size(); ++i) {
    auto& sink = stages_.sinks[i];
    metrics_.add_sink(sink->name());
    if (sink->queue_length() > 0)
      sink = queued_sinks_.emplace_back(
          std::make_shared<QueuedSink>(std::move(sink), [this, i] { metrics_.sink_missed(i); }));
  }
}

void Pipeline::check_viewers(const Networks& networks) const {
  if (!networks.viewers.empty() && networks.viewers.size() != stages_.solvers.size())
    throw std::invalid_argument("each solver needs a viewer, or none of them");
}

void Pipeline::replace_model(Networks next) {
  check_viewers(next);
  models_.replace(std::move(next));
}

std::vector<std::string> Pipeline::problems() const {
  std::vector<std::string> problems;
  const auto ask = [&](const char* what, const auto& all) {
    for (const auto& one : all)
      if (const auto problem = one->problem()) problems.push_back(what + one->name() + ": " + *problem);
  };
  ask("source ", stages_.sources);
  ask("sink ", stages_.sinks);
  return problems;
}

Pipeline::~Pipeline() {
  stop(std::chrono::seconds(0));
}

void Pipeline::start() {
  spawn(publish_thread_, "publish", [this] { run_publish(); });
  for (std::size_t i = 0; i < stages_.solvers.size(); ++i)
    spawn(refine_threads_, "refine", [this, i] {
      RefineWorker(*stages_.solvers[i], models_, i, stages_.schedule, config_, metrics_, refine_pool_,
                   publish_queue_, *logger_)
          .run([this] { return refinement_given_up(); });
    });
  const std::size_t infer_workers = models_.current()->networks.workers.size();
  for (std::size_t i = 0; i < infer_workers; ++i)
    spawn(infer_threads_, "infer", [this, i] {
      InferWorker(models_, i, config_, metrics_, rejections_, infer_queue_, publish_queue_, refine_pool_)
          .run();
    });
  for (int i = 0; i < config_.preprocess_threads; ++i)
    spawn(preprocess_threads_, "preprocess", [this] { run_preprocess(); });
  lifecycle_.apply(Event::built);
  for (std::size_t i = 0; i < stages_.sources.size(); ++i)
    spawn(ingest_threads_, "ingest", [this, i] {
      IngestWorker(*stages_.sources[i], i, lifecycle_, metrics_, rejections_, preprocess_queue_,
                   publish_queue_, *logger_)
          .run(stopping_);
      --sources_left_;
    });
}

// select, preprocess

void Pipeline::run_preprocess() {
  InHand in_hand(metrics_, Stage::preprocess);
  Queue<Ingested>::Consumer from(preprocess_queue_);
  std::vector<Ingested> items;
  const auto siblings = static_cast<std::size_t>(config_.preprocess_threads);
  while (from.pop_some(items, kHandful, Clock::time_point::max(), siblings) > 0) {
    const auto taken = Clock::now();
    in_hand.take(count_of<Frame>(items));
    for (Ingested& item : items) {
      if (auto* event = std::get_if<publish::RunEvent>(&item)) {
        (void)infer_queue_.push(std::move(*event));
        continue;
      }
      const Frame& frame = std::get<Frame>(item);
      if (frame.id.sequence % kMarksEvery == 0) look_for_marks(frame);
      auto prepared = (*stages_.prepare)(frame, taken);
      if (!prepared)
        rejections_.add(prepared.error(), &frame.id);
      else
        metrics_.dropped(Stage::preprocess, DropReason::failed,
                         infer_queue_.push(std::move(*prepared)).size());
      in_hand.pass_on();
    }
    from.passed_on(items.size());
    items.clear();
  }
}

/// A mask would say it once and for all.
void Pipeline::look_for_marks(const Frame& frame) {
  if (const double share = stages_.prepare->share_of_marks(frame); share > kManyMarks)
    logger_->warn(
        "event=marked_pixels source={} sequence={} share={:.3f} reason={}", quoted(frame.id.source),
        frame.id.sequence, share,
        quoted(
            "so many pixels hold the ends of their type and count as not measured: gaps or bad ones belong "
            "into preprocess.calibration, or these are counts (preprocess.saturation: 0)"));
}

// publish

void Pipeline::run_publish() {
  for (bool drained = false; !drained;) {
    auto item = publish_queue_.pop(Clock::now() + kWake);
    if (item) {
      const Range range(Stage::publish);
      std::visit(Overloaded{[&](Outgoing& outgoing) { hand_over(std::move(outgoing)); },
                            [&](const publish::Final& lost) { finish(lost.id); },
                            [&](const publish::RunEvent& event) {
                              for (const auto& one : run_ends_.take(event)) give_to_sinks(one);
                            }},
                 *item);
    }
    for (const auto& sink : stages_.sinks) sink->tend();
    drained = !item && publish_queue_.drained();
  }
  if (state() == State::failed) return;
  const Accounts accounts = metrics_.accounts();
  give_to_sinks(publish::Bye{accounts.received, accounts.published, accounts.rejected_total(),
                             accounts.dropped_total()});
}

template <class Item>
void Pipeline::give_to_sinks(const Item& item) {
  for (std::size_t i = 0; i < stages_.sinks.size(); ++i)
    if (!stages_.sinks[i]->take(item)) metrics_.sink_missed(i);
}

void Pipeline::hand_over(Outgoing outgoing) {
  const auto now = Clock::now();
  const bool inferred = outgoing.result->stage == ResultStage::inferred;
  InHand in_hand(metrics_, inferred ? Stage::publish : Stage::refine);
  const bool ends = inferred || outgoing.last;  // a refinement is lost with its last result alone
  if (ends) in_hand.take();                     // first: what follows may want memory
  const std::shared_ptr<Reconstruction> result = std::move(outgoing.result);
  const float before = publish::latency_seconds(*result);
  result->times[Stage::publish] = std::max(0.0f, seconds_between(result->pattern->arrival, now) - before);
  const FrameId& id = result->pattern->id;
  give_to_sinks(std::shared_ptr<const Reconstruction>(result));
  metrics_.published(*result, now);
  if (ends) in_hand.pass_on();
  if (!outgoing.last) {
    if (inferred) run_ends_.opened(id);
  } else if (inferred)
    give_to_sinks(publish::Final{id});
  else
    finish(id);
}

void Pipeline::finish(const FrameId& id) {
  give_to_sinks(publish::Final{id});
  if (const auto end = run_ends_.closed(id)) give_to_sinks(*end);
}

// Threads and their end

void Pipeline::spawn(std::vector<std::thread>& group, const std::string& name, std::function<void()> work) {
  group.emplace_back([this, name, work = std::move(work)] {
    pthread_setname_np(pthread_self(), name.c_str());
    try {
      work();
    } catch (const DeviceLost& lost) {
      fail(name + ": " + lost.what(), true);
    } catch (const std::bad_alloc&) {
      fail(name + ": the memory does not suffice", false);
    } catch (const std::exception& error) {
      fail(name + ": " + error.what(), false);
    }
  });
}

void Pipeline::fail(const std::string& sentence, bool device_lost) {
  {
    std::lock_guard lock(failure_mutex_);
    if (!failure_) failure_ = {sentence, device_lost};
  }
  lifecycle_.apply(Event::failure);
  stopping_ = true;
  close_all();
  logger_->error("event=failed reason={}", quoted(sentence));
}

std::optional<Pipeline::Failure> Pipeline::failure() const {
  std::lock_guard lock(failure_mutex_);
  return failure_;
}

std::optional<RefineLoss> Pipeline::refinement_given_up() const {
  if (state() == State::failed) return RefineLoss::failed;
  if (Clock::now() >= refine_until_.load(std::memory_order_relaxed)) return RefineLoss::shutdown;
  return std::nullopt;
}

void Pipeline::close_all() {
  preprocess_queue_.close();
  infer_queue_.close();
  refine_pool_.close();
  publish_queue_.close();
}

void Pipeline::stop(std::chrono::seconds refine_limit) {
  const auto join = [](std::vector<std::thread>& group) {
    for (auto& thread : group) thread.join();
    group.clear();
  };
  lifecycle_.apply(Event::stop);
  stopping_ = true;
  refine_until_ = Clock::now() + refine_limit;
  join(ingest_threads_);
  preprocess_queue_.close();
  join(preprocess_threads_);
  infer_queue_.close();
  join(infer_threads_);
  refine_pool_.close();
  join(refine_threads_);
  publish_queue_.close();
  join(publish_thread_);
  for (const auto& sink : queued_sinks_) sink->finish(Clock::now() + refine_limit);
  drop_leftovers();
  lifecycle_.apply(Event::drained);
}

/// What a failed worker left in the queue before it.
void Pipeline::drop_leftovers() {
  while (const auto item = preprocess_queue_.pop())
    if (std::holds_alternative<Frame>(*item)) metrics_.dropped(Stage::preprocess, DropReason::failed);
  while (const auto item = infer_queue_.pop())
    if (std::holds_alternative<Prepared>(*item)) metrics_.dropped(Stage::infer, DropReason::failed);
  while (refine_pool_.pop()) metrics_.refine_lost(RefineLoss::failed);
  while (const auto item = publish_queue_.pop())
    if (const auto* outgoing = std::get_if<Outgoing>(&*item)) {
      if (outgoing->result->stage == ResultStage::inferred)
        metrics_.dropped(Stage::publish, DropReason::failed);
      else if (outgoing->last)
        metrics_.refine_lost(RefineLoss::failed);
    }
}

std::size_t Pipeline::ingest_bytes() const {
  return preprocess_queue_.weight();
}

std::array<std::size_t, kEdges.size()> Pipeline::queued() const {
  return {preprocess_queue_.size(), infer_queue_.size(), refine_pool_.size(), publish_queue_.size()};
}

}  // namespace flashphase::service
