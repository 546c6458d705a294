#include "service/pipeline/queued_sink.h"

#include <pthread.h>

#include <chrono>
#include <exception>
#include <utility>

namespace flashphase::service {

namespace {

/// How often the sink is tended while nothing comes.
constexpr std::chrono::milliseconds kWake{50};
/// Frames that are final, for each result that may wait.
constexpr std::size_t kFinals = 16;
/// More words of runs than anybody means.
constexpr std::size_t kMostWords = 100'000;

}  // namespace

QueuedSink::QueuedSink(std::shared_ptr<publish::Sink> sink, std::function<void()> missed)
    : sink_(std::move(sink)),
      missed_(std::move(missed)),
      most_results_(sink_->queue_length()),
      queue_((1 + kFinals) * most_results_ + kMostWords, WhenFull::block),
      thread_([this] { run(); }) {}

void QueuedSink::finish(Clock::time_point deadline) {
  until_ = deadline;
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

bool QueuedSink::take(const std::shared_ptr<const Reconstruction>& result) {
  return put(result, results_, most_results_);
}

bool QueuedSink::take(const publish::Final& final) {
  return put(final, finals_, kFinals * most_results_);
}

bool QueuedSink::put(Item item, std::atomic<std::size_t>& waiting, std::size_t most) {
  if (waiting.load() >= most) return false;
  ++waiting;
  if (put(std::move(item))) return true;
  --waiting;
  return false;
}

bool QueuedSink::put(Item item) {
  return queue_.push(std::move(item), Clock::time_point()).empty();
}

void QueuedSink::run() {
  pthread_setname_np(pthread_self(), "sink");
  for (bool drained = false; !drained;) {
    const auto item = queue_.pop(Clock::now() + kWake);
    if (item && std::holds_alternative<std::shared_ptr<const Reconstruction>>(*item)) --results_;
    if (item && std::holds_alternative<publish::Final>(*item)) --finals_;
    const bool late = Clock::now() >= until_.load();
    const bool taken = !late && give(item ? &*item : nullptr);
    if (item && !taken) missed_();
    drained = !item && queue_.drained();
  }
}

/// Without an item there is only time to tend.
bool QueuedSink::give(const Item* item) {
  if (is_broken()) return false;
  try {
    const bool taken =
        item == nullptr || std::visit([this](const auto& what) { return sink_->take(what); }, *item);
    sink_->tend();
    return taken;
  } catch (const std::exception& error) {
    std::lock_guard lock(mutex_);
    broken_ = error.what();
    return false;
  }
}

bool QueuedSink::is_broken() const {
  std::lock_guard lock(mutex_);
  return broken_.has_value();
}

std::optional<std::string> QueuedSink::problem() const {
  {
    std::lock_guard lock(mutex_);
    if (broken_) return broken_;
  }
  return sink_->problem();
}

}  // namespace flashphase::service
