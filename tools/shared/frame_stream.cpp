#include "tools/shared/frame_stream.h"

#include <algorithm>
#include <thread>

#include "tools/shared/program.h"

namespace flashphase::tools {
namespace {

/// A message that no parser of the protocol takes: the wire type 7 does not exist in Protobuf.
constexpr std::array<std::byte, 16> kGarbage{std::byte{0xff}, std::byte{0xff}, std::byte{0x0f},
                                             std::byte{0xde}};

}  // namespace

JsonObject StreamTotals::json() const {
  JsonObject by_name;
  for (std::size_t i = 0; i < kFaultCount; ++i) by_name.add(kFaultNames[i], faults[i]);
  JsonObject object;
  object.add("sent", sent).add("frames", frames).add("hits", hits).add("faults", by_name);
  object.add("seconds", seconds)
      .add("frames_per_second", seconds > 0 ? static_cast<double>(sent) / seconds : 0.0);
  return object;
}

bool FrameStream::begin(std::uint64_t expected_frames) {
  start_ = Clock::now();
  expected_ = expected_frames;
  begun_ = sender_.begin(expected_frames);
  return begun_;
}

bool FrameStream::wait_until_due() {
  constexpr std::chrono::milliseconds kLongestNap{100};
  const Clock::time_point due = start_ + pacer_.due(index_);
  while (!stop_requested()) {
    const Clock::time_point now = Clock::now();
    if (now >= due) return true;
    std::this_thread::sleep_until(std::min(due, now + kLongestNap));
  }
  return false;
}

bool FrameStream::send_counted(const WireFrame& frame) {
  if (!sender_.frame(frame)) return false;
  ++totals_.sent;
  return true;
}

bool FrameStream::send_around(Fault fault) {
  if (fault == Fault::double_begin) return sender_.begin(expected_);
  if (fault == Fault::gap) ++sequence_;
  if (fault != Fault::garbage) return true;
  if (!sender_.garbage(kGarbage, {})) return false;
  ++totals_.sent;
  return true;
}

bool FrameStream::send(std::span<const float> image, int size, bool hit, std::optional<Fault> fault) {
  if (!wait_until_due()) return false;
  if (fault && !send_around(*fault)) return false;
  WireFrame frame{pacer_.train(index_),
                  pacer_.pulse(index_),
                  sequence_,
                  static_cast<std::uint32_t>(size),
                  static_cast<std::uint32_t>(size),
                  wire_dtype(PixelType::f32),
                  std::as_bytes(image)};
  if (fault) corrupt(*fault, frame, storage_);
  if (!send_counted(frame)) return false;
  if (fault == Fault::duplicate && !send_counted(frame)) return false;
  ++index_;
  ++sequence_;
  const bool spoilt = fault && *fault <= Fault::all_zero;
  totals_.frames += !spoilt;
  totals_.hits += !spoilt && hit;
  if (fault) ++totals_.faults[static_cast<std::size_t>(*fault)];
  return true;
}

bool FrameStream::end() {
  if (!begun_) return true;
  totals_.seconds = seconds_between<double>(start_, Clock::now());
  const auto count_of = [&](Fault fault) { return totals_.faults[static_cast<std::size_t>(fault)]; };
  return sender_.end(totals_.sent - count_of(Fault::garbage) - count_of(Fault::duplicate));
}

}  // namespace flashphase::tools
