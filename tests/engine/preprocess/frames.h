#pragma once

#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include "engine/preprocess/preprocess.h"

namespace flashphase::preprocess {

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kInf = std::numeric_limits<float>::infinity();

/// Pixels start one byte off, as they may in a received message.
template <class T>
Frame frame_of(const std::vector<T>& pixels, int height, int width, PixelType type) {
  auto bytes = std::make_shared<std::vector<std::byte>>(pixels.size() * sizeof(T) + 1);
  std::memcpy(bytes->data() + 1, pixels.data(), pixels.size() * sizeof(T));
  Frame frame;
  frame.id = {1, 2, 3, 4, "camera"};
  frame.timestamp_ns = 99;
  frame.pixels = {.type = type,
                  .height = height,
                  .width = width,
                  .data = std::span<const std::byte>(*bytes).subspan(1),
                  .storage = bytes};
  return frame;
}

inline Frame frame_of(const std::vector<float>& pixels, int height, int width) {
  return frame_of(pixels, height, width, PixelType::f32);
}

/// 1, 2, 3, ...
inline std::vector<float> counting(int count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

inline std::shared_ptr<Calibration> calibration(int height, int width) {
  const auto cells = static_cast<std::size_t>(height * width);
  return std::make_shared<Calibration>(
      Calibration{height, width, std::vector<std::uint8_t>(cells, 1), {}, {}});
}

}  // namespace flashphase::preprocess
