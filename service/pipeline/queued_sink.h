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

/// Gives a sink that has to wait a bounded queue and a thread. A result that finds the queue full is missed;
/// words (of runs, of frames, the bye) still find room then, fifteen times as much as there is for results.
/// When the sink throws it gets nothing any more, all is missed, and what it said is the problem.
class QueuedSink : public publish::Sink {
 public:
  /// `missed` is called, on either thread, for what the sink does not get or does not take.
  QueuedSink(std::shared_ptr<publish::Sink> sink, std::function<void()> missed);
  ~QueuedSink() override { finish(); }

  /// Takes nothing more, and waits until the sink has all that was taken. Idempotent.
  void finish();

  const std::string& name() const override { return sink_->name(); }
  std::string endpoint() const override { return sink_->endpoint(); }
  bool take(const std::shared_ptr<const Reconstruction>& result) override;
  bool take(const publish::RunEvent& event) override { return put(event); }
  bool take(const publish::Final& final) override { return put(final); }
  bool take(const publish::Bye& bye) override { return put(bye); }
  std::optional<std::string> problem() const override;

 private:
  using Item =
      std::variant<std::shared_ptr<const Reconstruction>, publish::RunEvent, publish::Final, publish::Bye>;
  bool put(Item item);
  void run();
  bool give(const Item* item);
  bool is_broken() const;

  const std::shared_ptr<publish::Sink> sink_;
  const std::function<void()> missed_;
  const std::size_t most_results_;
  std::atomic<std::size_t> results_{0};  // in the queue
  Queue<Item> queue_;
  mutable std::mutex mutex_;
  std::optional<std::string> broken_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace flashphase::service
