#include "service/pipeline/queued_sink.h"

#include <pthread.h>

#include <chrono>
#include <exception>
#include <utility>

namespace flashphase::service {

namespace {

/// How often the sink is tended while nothing comes.
constexpr std::chrono::milliseconds kWake{50};

}  // namespace

QueuedSink::QueuedSink(std::shared_ptr<publish::Sink> sink, std::function<void()> missed)
    : sink_(std::move(sink)),
      missed_(std::move(missed)),
      most_results_(sink_->queue_length()),
      queue_(16 * most_results_, WhenFull::block),
      thread_([this] { run(); }) {}

void QueuedSink::finish() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

bool QueuedSink::take(const std::shared_ptr<const Reconstruction>& result) {
  if (results_.load() >= most_results_) return false;
  ++results_;
  if (put(result)) return true;
  --results_;
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
    const bool taken = give(item ? &*item : nullptr);
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
