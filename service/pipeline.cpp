#include "service/pipeline.h"

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

#include "engine/frame/device_lost.h"
#include "engine/refine/cuda_solver.h"
#include "service/infer_worker.h"
#include "service/publish/encode.h"

namespace flashphase::service {

namespace {

/// How often a thread that waits for the outside looks whether it shall stop.
constexpr std::chrono::milliseconds kWake{50};
/// For how long a source that is to close still gives what has arrived already.
constexpr std::chrono::seconds kLastFrames{1};
/// Most items taken from a queue at once: enough to spare the lock, few enough to keep times honest.
constexpr std::size_t kHandful = 32;
/// Frames that keep a GPU busy with refinement.
constexpr std::size_t kGpuRefineBatch = 256;

float seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<float>(to - from).count();
}

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

const ModelInfo& model_of(const Stages& stages) {
  if (stages.networks.empty()) throw std::invalid_argument("the pipeline needs a network");
  return stages.networks.front()->info();
}

std::size_t infer_queue_capacity(const PipelineConfig& config, const Stages& stages) {
  return std::max<std::size_t>(64, 2 * config.batch_size * stages.networks.size());
}

}  // namespace

Pipeline::Pipeline(const PipelineConfig& config, Stages stages, Metrics& metrics,
                   std::shared_ptr<spdlog::logger> logger)
    : config_(config),
      stages_(std::move(stages)),
      model_(model_of(stages_)),
      metrics_(metrics),
      logger_(std::move(logger)),
      preprocess_queue_(config.ingest_queue, config.replay ? WhenFull::block : WhenFull::drop_oldest),
      infer_queue_(infer_queue_capacity(config, stages_), WhenFull::block),
      refine_queue_(config.refine_queue, WhenFull::drop_oldest),
      publish_queue_(infer_queue_capacity(config, stages_), WhenFull::block) {
  if (config_.refine_policy != RefinePolicy::off && stages_.solvers.empty())
    throw std::invalid_argument("refinement needs a solver");
  for (const auto& sink : stages_.sinks) metrics_.add_sink(sink->name());
}

Pipeline::~Pipeline() {
  stop(std::chrono::seconds(0));
}

void Pipeline::start() {
  spawn(publish_thread_, "publish", [this] { run_publish(); });
  for (const auto& solver : stages_.solvers)
    spawn(refine_threads_, "refine", [&, this] { run_refine(*solver); });
  for (const auto& network : stages_.networks)
    spawn(infer_threads_, "infer", [&, this] {
      InferWorker(*network, config_, metrics_, infer_queue_, publish_queue_, refine_queue_).run();
    });
  for (int i = 0; i < config_.preprocess_threads; ++i)
    spawn(preprocess_threads_, "preprocess", [this] { run_preprocess(); });
  lifecycle_.apply(Event::built);
  for (std::size_t i = 0; i < stages_.sources.size(); ++i)
    spawn(ingest_threads_, "ingest", [this, i] { run_ingest(i); });
}

// ingest

void Pipeline::run_ingest(std::size_t index) {
  ingest::Source& source = *stages_.sources[index];
  ingest::SequenceTracker tracker;
  auto until = Clock::time_point::max();
  while (Clock::now() < until && state() != State::failed) {
    auto item = source.next(Clock::now() + kWake);
    if (stopping_.load(std::memory_order_relaxed)) {
      if (!item) return;
      until = std::min(until, Clock::now() + kLastFrames);
    }
    if (!item) continue;
    if (state() == State::ready && !std::holds_alternative<ingest::PeerChange>(*item))
      lifecycle_.apply(Event::frame);
    std::visit(Overloaded{[&](Frame& frame) { take_frame(index, std::move(frame), tracker); },
                          [&](const ingest::RunBegin& begin) { take_begin(index, begin, tracker); },
                          [&](const ingest::RunEnd& end) { take_end(index, end, tracker); },
                          [&](const ingest::Rejected& rejected) {
                            metrics_.received(index);
                            reject(rejected.reason);
                          },
                          [&](const ingest::PeerChange& change) {
                            metrics_.peer(index, change.connected);
                            logger_->info("event={} source={} peers={}",
                                          change.connected ? "connected" : "disconnected",
                                          quoted(source.name()), metrics_.peers());
                          }},
               *item);
  }
}

void Pipeline::take_frame(std::size_t source, Frame frame, ingest::SequenceTracker& tracker) {
  metrics_.received(source);
  const auto seen = tracker.frame(frame.id);
  metrics_.sequence(source, seen);
  if (seen.duplicate) return reject(Rejection::duplicate, &frame.id);
  to_preprocess(std::move(frame));
}

void Pipeline::take_begin(std::size_t source, const ingest::RunBegin& begin,
                          ingest::SequenceTracker& tracker) {
  metrics_.run_event(source, RunEventKind::begin);
  if (tracker.begin(begin)) metrics_.run_event(source, RunEventKind::missing_end);
  logger_->info("event=run_begin source={} run={} expected_frames={}", quoted(begin.source), begin.run,
                begin.expected_frames);
  to_preprocess(publish::RunEvent{.kind = publish::RunEvent::Kind::begin,
                                  .source = begin.source,
                                  .run = begin.run,
                                  .expected_frames = begin.expected_frames});
}

void Pipeline::take_end(std::size_t source, const ingest::RunEnd& end, ingest::SequenceTracker& tracker) {
  metrics_.run_event(source, RunEventKind::end);
  const auto ended = tracker.end(end);
  if (ended.missing_begin) metrics_.run_event(source, RunEventKind::missing_begin);
  logger_->info("event=run_end source={} run={} sent_frames={} received_frames={}", quoted(end.source),
                end.run, end.sent_frames, ended.received_frames);
  to_preprocess(publish::RunEvent{.kind = publish::RunEvent::Kind::end,
                                  .source = end.source,
                                  .run = end.run,
                                  .expected_frames = ended.expected_frames,
                                  .received_frames = ended.received_frames});
}

void Pipeline::to_preprocess(Ingested item) {
  auto lost = preprocess_queue_.push(std::move(item));
  if (!lost) return;
  if (std::holds_alternative<Frame>(*lost))
    metrics_.dropped(Stage::ingest, state() == State::failed ? DropReason::failed : DropReason::queue_full);
  else  // the word of a begin or an end overtakes rather than gets lost
    (void)publish_queue_.push(std::get<publish::RunEvent>(std::move(*lost)));
}

void Pipeline::reject(Rejection reason, const FrameId* id) {
  metrics_.rejected(reason);
  if (reason == Rejection::not_a_hit) return;
  const auto held_back = throttle_.ask(reason, Clock::now());
  if (!held_back) return;
  if (id != nullptr)
    logger_->warn("event=rejected reason={} source={} run={} sequence={} held_back={}",
                  rejection_name(reason), quoted(id->source), id->run, id->sequence, *held_back);
  else
    logger_->warn("event=rejected reason={} held_back={}", rejection_name(reason), *held_back);
}

// select, preprocess

void Pipeline::run_preprocess() {
  InHand in_hand(metrics_, Stage::preprocess);
  std::vector<Ingested> items;
  while (preprocess_queue_.pop_some(items, kHandful) > 0) {
    const auto taken = Clock::now();
    in_hand.take(count_of<Frame>(items));
    for (Ingested& item : items) {
      if (auto* event = std::get_if<publish::RunEvent>(&item)) {
        (void)infer_queue_.push(std::move(*event));
        continue;
      }
      const Frame& frame = std::get<Frame>(item);
      auto prepared = stages_.prepare(frame, taken);
      if (!prepared)
        reject(prepared.error(), &frame.id);
      else if (infer_queue_.push(std::move(*prepared)))
        metrics_.dropped(Stage::preprocess, DropReason::failed);
      in_hand.pass_on();
    }
    items.clear();
  }
}

// refine

void Pipeline::run_refine(refine::Solver& solver) {
  // On Linux a nice value is a thread's own: refinement takes the time that the frames to come leave.
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 10);
  const auto* gpu = dynamic_cast<const refine::CudaSolver*>(&solver);
  const std::size_t most = config_.refine_batch > 0 ? config_.refine_batch
                           : gpu != nullptr         ? kGpuRefineBatch
                                                    : 1;
  std::uint64_t out_of_memory = 0;
  Refinement refine(solver, stages_.schedule, model_, config_.refine_starts);
  InHand in_hand(metrics_, Stage::refine);
  std::vector<RefineJob> jobs;
  while (refine_queue_.pop_some(jobs, most) > 0) {
    in_hand.take(jobs.size());
    if (state() == State::failed || Clock::now() >= refine_until_.load(std::memory_order_relaxed)) {
      metrics_.refine_lost(state() == State::failed ? RefineLoss::failed : RefineLoss::shutdown, jobs.size());
      in_hand.pass_on(jobs.size());
    } else {
      refine_some(jobs, refine, in_hand);
    }
    jobs.clear();
    if (gpu != nullptr) {
      const std::uint64_t now = gpu->counters().smaller_buckets;
      metrics_.out_of_memory(Stage::refine, now - std::exchange(out_of_memory, now));
    }
  }
}

void Pipeline::refine_some(std::span<const RefineJob> jobs, Refinement& refine, InHand& in_hand) {
  std::vector<std::unique_ptr<Reconstruction>> results;
  try {
    results = refine(jobs);
  } catch (const std::invalid_argument& error) {  // says something about one of these frames
    if (jobs.size() > 1) {
      for (std::size_t i = 0; i < jobs.size(); ++i) refine_some(jobs.subspan(i, 1), refine, in_hand);
      return;
    }
    logger_->debug("event=unsolvable sequence={} reason={}", jobs[0].pattern->id.sequence,
                   quoted(error.what()));
    metrics_.refine_lost(RefineLoss::unsolvable);
    in_hand.pass_on();
  }
  for (auto& result : results) {
    if (publish_queue_.push(std::move(result))) metrics_.refine_lost(RefineLoss::failed);
    in_hand.pass_on();
  }
}

// publish

void Pipeline::run_publish() {
  for (bool drained = false; !drained;) {
    auto item = publish_queue_.pop(Clock::now() + kWake);
    if (item)
      std::visit(Overloaded{[&](std::unique_ptr<Reconstruction>& result) { hand_over(std::move(result)); },
                            [&](const publish::RunEvent& event) { hand_over(event); }},
                 *item);
    for (const auto& sink : stages_.sinks) sink->tend();
    drained = !item && publish_queue_.drained();
  }
  if (state() == State::failed) return;
  const Accounts accounts = metrics_.accounts();
  for (const auto& sink : stages_.sinks)
    sink->take(publish::Bye{accounts.received, accounts.published, accounts.rejected_total(),
                            accounts.dropped_total()});
}

void Pipeline::hand_over(std::unique_ptr<Reconstruction> result) {
  const bool inferred = result->stage == ResultStage::inferred;
  const auto now = Clock::now();
  const float before = publish::latency_seconds(*result);
  result->times[Stage::publish] = std::max(0.0f, seconds_between(result->pattern->arrival, now) - before);
  const std::shared_ptr<const Reconstruction> shared = std::move(result);
  try {
    for (std::size_t i = 0; i < stages_.sinks.size(); ++i)
      if (!stages_.sinks[i]->take(shared)) metrics_.sink_missed(i);
  } catch (...) {
    if (inferred)
      metrics_.dropped(Stage::publish, DropReason::failed);
    else
      metrics_.refine_lost(RefineLoss::failed);
    throw;
  }
  metrics_.published(*shared, now);
}

void Pipeline::hand_over(const publish::RunEvent& event) {
  for (const auto& sink : stages_.sinks) sink->take(event);
}

// Threads and their end

void Pipeline::spawn(std::vector<std::thread>& group, const std::string& name, std::function<void()> work) {
  group.emplace_back([this, name, work = std::move(work)] {
    pthread_setname_np(pthread_self(), name.c_str());
    try {
      work();
    } catch (const DeviceLost& lost) {
      fail(name + ": " + lost.what(), true);
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
  logger_->error("event=failed reason={}", quoted(sentence));
  stopping_ = true;
  close_all();
}

std::optional<Pipeline::Failure> Pipeline::failure() const {
  std::lock_guard lock(failure_mutex_);
  return failure_;
}

void Pipeline::close_all() {
  preprocess_queue_.close();
  infer_queue_.close();
  refine_queue_.close();
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
  refine_queue_.close();
  join(refine_threads_);
  publish_queue_.close();
  join(publish_thread_);
  drop_leftovers();
  lifecycle_.apply(Event::drained);
}

/// What a failed worker left in the queue before it.
void Pipeline::drop_leftovers() {
  while (const auto item = preprocess_queue_.pop())
    if (std::holds_alternative<Frame>(*item)) metrics_.dropped(Stage::preprocess, DropReason::failed);
  while (const auto item = infer_queue_.pop())
    if (std::holds_alternative<Prepared>(*item)) metrics_.dropped(Stage::infer, DropReason::failed);
  while (refine_queue_.pop()) metrics_.refine_lost(RefineLoss::failed);
  while (const auto item = publish_queue_.pop())
    if (const auto* result = std::get_if<std::unique_ptr<Reconstruction>>(&*item)) {
      if ((*result)->stage == ResultStage::inferred)
        metrics_.dropped(Stage::publish, DropReason::failed);
      else
        metrics_.refine_lost(RefineLoss::failed);
    }
}

std::array<std::size_t, kEdges.size()> Pipeline::queued() const {
  return {preprocess_queue_.size(), infer_queue_.size(), refine_queue_.size(), publish_queue_.size()};
}

}  // namespace flashphase::service
