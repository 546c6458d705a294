#pragma once

#include <chrono>
#include <memory>
#include <string>

namespace flashphase::v1 {
class ResultMessage;
}

namespace flashphase::tools {

/// Whether somebody answers at the endpoint of a result stream.
enum class Publisher { not_met, here, gone };

/// Subscribes to the result stream (proto/README.md). Owns its ZeroMQ context and socket. Thread: one.
class ResultReceiver {
 public:
  /// Connects (does not wait for the daemon). Throws std::runtime_error naming the endpoint.
  explicit ResultReceiver(const std::string& endpoint);
  ~ResultReceiver();

  /// Waits for the next message that parses; null after `timeout` or when stop_requested(). The message is
  /// overwritten by the next call.
  const v1::ResultMessage* receive(std::chrono::milliseconds timeout);

  /// As of the last receive() that found no message: what a publisher sent before it went comes first.
  Publisher publisher() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flashphase::tools
