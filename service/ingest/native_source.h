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
  std::int64_t max_message_bytes = std::int64_t{64} << 20;
  std::chrono::milliseconds heartbeat{1000};  ///< 0 = none
};

/// The native ingest stream over ZeroMQ (proto/README.md). Connecting goes on in the background, for ever,
/// with growing pauses: a detector may start later than the daemon, and may go and come back. Thread: built
/// anywhere, then next() on one thread. Throws std::runtime_error with one sentence when the endpoint is no
/// good. `context` has to outlive it.
class NativeSource : public Source {
 public:
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
