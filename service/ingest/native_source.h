#pragma once

#include <memory>
#include <optional>
#include <string>

#include "service/ingest/source.h"
#include "service/ingest/source_config.h"

namespace zmq {
class context_t;
}

namespace flashphase::ingest {

/// The native ingest stream over ZeroMQ (proto/README.md). Connecting goes on in the background, for ever,
/// with growing pauses: a detector may start later than the daemon, and may go and come back. Thread: built
/// anywhere, then next() on one thread. Throws std::runtime_error with one sentence when the endpoint is no
/// good. `context` has to outlive it.
///
/// A message over the limit is rejected with its size as long as it is not kMostOver times the limit. ZeroMQ
/// reads no further than that, and cuts the connection as it does when the other end is no sender of frames.
/// It would then never connect again by itself: a source that connects does it here, a second later, and says
/// so.
class NativeSource : public Source {
 public:
  static constexpr int kMostOver = 4;

  NativeSource(zmq::context_t& context, SourceConfig config);
  ~NativeSource() override;

  std::optional<Item> next(Clock::time_point deadline) override;
  const std::string& name() const override;

  std::string endpoint() const override;
  /// While a connection that was cut because of what the sender sent has not come back.
  std::optional<std::string> problem() const override;
  bool waits() const override;
  std::unique_ptr<LossTracker> make_tracker() const override;  ///< numbers from 0 on within a run

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flashphase::ingest
