#pragma once

#include <chrono>
#include <compare>
#include <concepts>
#include <cstdint>
#include <string>

#include "engine/frame/pixel_block.h"

namespace flashphase {

/// Deadlines and latencies are measured on this clock.
using Clock = std::chrono::steady_clock;

/// The times of one frame are floats; what goes on for hours asks for doubles.
template <std::floating_point Seconds = float>
Seconds seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<Seconds>(to - from).count();
}

/// What a frame is called from the wire to every output. Nothing is ever paired by order of arrival.
struct FrameId {
  std::uint64_t run = 0;
  std::uint64_t train = 0;
  std::uint64_t pulse = 0;
  std::uint64_t sequence = 0;  ///< position within the run, from 0
  std::string source;          ///< name of the detector source

  auto operator<=>(const FrameId&) const = default;
};

/// One detector image. A value; copies are cheap.
struct Frame {
  FrameId id;
  PixelBlock pixels;
  Clock::time_point arrival;       ///< when its last byte was received
  std::uint64_t timestamp_ns = 0;  ///< the sender's clock, nanoseconds since the Unix epoch; 0 when unknown
};

}  // namespace flashphase
