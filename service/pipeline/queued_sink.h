#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "service/pipeline/queue.h"
#include "service/publish/sink.h"

namespace flashphase::service {

/// Gives a sink that has to wait a bounded queue and a thread. A result that finds queue_length() of them
/// waiting is missed; of what says that a frame is final sixteen times as many may wait; the words of runs
/// and the bye, which are few, always find room. When the sink throws it gets nothing any more, all is
/// missed, and what it said is the problem.
class QueuedSink : public publish::Sink {
 public:
  /// `missed` is called, on either thread, for what the sink does not get or does not take.
  QueuedSink(std::shared_ptr<publish::Sink> sink, std::function<void()> missed);
  ~QueuedSink() override { finish(); }

  /// Takes nothing more, and waits until the sink has all that was taken, or until `deadline`: what it has
  /// not begun with then is missed. Idempotent.
  void finish(Clock::time_point deadline = Clock::time_point::max());

  const std::string& name() const override { return sink_->name(); }
  std::string endpoint() const override { return sink_->endpoint(); }
  bool take(const std::shared_ptr<const Reconstruction>& result) override;
  bool take(const publish::RunEvent& event) override { return put(event); }
  bool take(const publish::Final& final) override;
  bool take(const publish::Bye& bye) override { return put(bye); }
  std::optional<std::string> problem() const override;

 private:
  using Item =
      std::variant<std::shared_ptr<const Reconstruction>, publish::RunEvent, publish::Final, publish::Bye>;
  bool put(Item item);
  /// The same while fewer than `most` of its kind, `waiting`, are in the queue.
  bool put(Item item, std::atomic<std::size_t>& waiting, std::size_t most);
  void run();
  bool give(const Item* item);
  bool is_broken() const;

  const std::shared_ptr<publish::Sink> sink_;
  const std::function<void()> missed_;
  const std::size_t most_results_;
  std::atomic<std::size_t> results_{0}, finals_{0};  // in the queue
  std::atomic<Clock::time_point> until_{Clock::time_point::max()};
  Queue<Item> queue_;
  mutable std::mutex mutex_;
  std::optional<std::string> broken_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace flashphase::service
