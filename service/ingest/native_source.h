#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "service/ingest/source.h"

namespace zmq {
class context_t;
}

namespace flashphase::ingest {

struct NativeSourceConfig {
  std::string name = "detector";
  std::string endpoint;  ///< ZeroMQ endpoint
  bool pull = false;     ///< PULL instead of SUB
  bool bind = false;     ///< bind instead of connect
  int high_water_mark = 1000;
  std::int64_t max_message_bytes = std::int64_t{256} << 20;
  std::size_t queue_bytes = 1024'000'000;     ///< of messages that wait in the socket
  std::chrono::milliseconds heartbeat{1000};  ///< 0 = none
};

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

  NativeSource(zmq::context_t& context, NativeSourceConfig config);
  ~NativeSource() override;

  std::optional<Item> next(Clock::time_point deadline) override;
  const std::string& name() const override;

  /// The endpoint as ZeroMQ sees it: with the port, where the configuration said "any" (tcp://127.0.0.1:*).
  std::string endpoint() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flashphase::ingest
