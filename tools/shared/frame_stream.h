#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>

#include "proto/json.h"
#include "tools/shared/faults.h"
#include "tools/shared/native_sender.h"
#include "tools/shared/pacer.h"

namespace flashphase::tools {

/// What a run put on the wire. Every message that the daemon counts as received is counted in `sent`.
struct StreamTotals {
  std::uint64_t sent = 0;    ///< frame messages: right, wrong and garbage
  std::uint64_t frames = 0;  ///< of them without a fault of their own
  std::uint64_t hits = 0;
  std::array<std::uint64_t, kFaultCount> faults{};
  double seconds = 0;

  JsonObject json() const;
};

/// One run on the native stream: begin, paced square float32 images, end.
class FrameStream {
 public:
  FrameStream(NativeSender& sender, Pacer pacer) : sender_(sender), pacer_(pacer) {}

  bool begin(std::uint64_t expected_frames);
  /// Waits until the next frame is due and sends it, wrong in the way of `fault` where one is given. False
  /// when stopped by a signal; what was queued until then is counted.
  bool send(std::span<const float> image, int size, bool hit, std::optional<Fault> fault = std::nullopt);
  /// The end of what was begun, also after a signal; false when nobody took it.
  bool end();

  const StreamTotals& totals() const { return totals_; }

 private:
  bool wait_until_due();
  bool send_counted(const WireFrame& frame);
  bool send_around(Fault fault);  ///< what a fault puts on the wire besides the frame

  NativeSender& sender_;
  Pacer pacer_;
  bool begun_ = false;
  Clock::time_point start_{};
  std::uint64_t expected_ = 0;
  std::uint64_t index_ = 0;     // of the next frame, for the pace
  std::uint64_t sequence_ = 0;  // of the next frame, on the wire
  std::vector<std::byte> storage_;
  StreamTotals totals_;
};

}  // namespace flashphase::tools
