#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/frame/frame.h"

namespace flashphase::tools {

struct SenderOptions {
  enum class Socket { push, pub };
  std::string endpoint;
  Socket socket = Socket::push;
  bool bind = false;
  std::string source = "detector";
  std::uint64_t run = 0;
  bool lz4 = false;  ///< compress the pixels
};

/// A frame as it stands on the wire, right or wrong: nothing here is checked.
struct WireFrame {
  std::uint64_t train = 0;
  std::uint64_t pulse = 0;
  std::uint64_t sequence = 0;
  std::uint32_t rows = 0;
  std::uint32_t columns = 0;
  int dtype = 0;                      ///< number of the wire's Dtype
  std::span<const std::byte> pixels;  ///< uncompressed; copied by the sender
};

/// The wire's number for a pixel type.
int wire_dtype(PixelType type);

/// Sends the native ingest stream (proto/README.md): begin, frames, end. Owns its ZeroMQ context and socket.
/// Thread: one. Blocking: PUSH waits while every receiver is full; a signal that stop_requested() knows ends
/// the wait. Destruction waits up to ten seconds for what is still queued.
class NativeSender {
 public:
  explicit NativeSender(const SenderOptions& options);  ///< Throws std::runtime_error naming the endpoint.
  ~NativeSender();
  NativeSender(NativeSender&&) noexcept;

  /// True once there is somebody to send to: a connection (PUSH) or a subscription (PUB).
  bool wait_for_receiver(std::chrono::milliseconds timeout);

  /// Each returns false when it was stopped by a signal before the message could be queued.
  bool begin(std::uint64_t expected_frames);
  bool frame(const WireFrame& frame);
  bool end(std::uint64_t sent_frames);  ///< Waits two seconds more after a signal.
  /// A message that is not one of this protocol.
  bool garbage(std::span<const std::byte> header, std::span<const std::byte> pixels);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flashphase::tools
