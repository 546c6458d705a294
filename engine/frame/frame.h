#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace flashphase {

/// Deadlines and latencies are measured on this clock.
using Clock = std::chrono::steady_clock;

/// What a frame is called from the wire to every output. Nothing is ever paired by order of arrival.
struct FrameId {
  std::uint64_t run = 0;
  std::uint64_t train = 0;
  std::uint64_t pulse = 0;
  std::uint64_t sequence = 0;  ///< position within the run, from 0
  std::string source;          ///< name of the detector source

  auto operator<=>(const FrameId&) const = default;
};

enum class PixelType : std::uint8_t { u8, u16, u32, i16, i32, f32, f64 };

constexpr std::size_t pixel_bytes(PixelType type) {
  switch (type) {
    case PixelType::u8:
      return 1;
    case PixelType::u16:
    case PixelType::i16:
      return 2;
    case PixelType::u32:
    case PixelType::i32:
    case PixelType::f32:
      return 4;
    case PixelType::f64:
      return 8;
  }
  return 0;
}

/// One decoded detector image, row-major [height, width], little endian, uncompressed. A value: `storage`
/// keeps the bytes alive (often the received message itself), copies are cheap.
struct Frame {
  FrameId id;
  PixelType type = PixelType::f32;
  int height = 0;
  int width = 0;
  std::span<const std::byte> pixels;  ///< height * width * pixel_bytes(type) bytes, not necessarily aligned
  std::shared_ptr<const void> storage;
  Clock::time_point arrival;       ///< when its last byte was received
  std::uint64_t timestamp_ns = 0;  ///< the sender's clock, nanoseconds since the Unix epoch; 0 when unknown
};

}  // namespace flashphase
