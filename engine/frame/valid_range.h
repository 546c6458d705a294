#pragma once

#include <cstddef>
#include <limits>
#include <optional>

#include "engine/frame/frame.h"

namespace flashphase {

/// Pixel values that are measurements. NaN is none.
struct ValidRange {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();  ///< the first that is none

  bool contains(float value) const { return value >= low && value < high; }
};

/// What detectors write into integers of so many bytes besides counts: negative numbers (-1 and -2 for gaps
/// and bad pixels) and the largest value; of unsigned types of two bytes and more the largest two (DECTRIS:
/// 2^bits
/// - 1 and 2^bits - 2).
constexpr ValidRange integer_range(std::size_t bytes, bool is_signed) {
  double values = 1;
  for (std::size_t i = 0; i < 8 * bytes; ++i) values *= 2;
  if (is_signed) return {0, static_cast<float>(values / 2 - 1)};
  return {0, static_cast<float>(values - (bytes > 1 ? 2 : 1))};
}

constexpr ValidRange default_range(PixelType type) {
  const bool is_signed = type == PixelType::i16 || type == PixelType::i32;
  if (type == PixelType::f32 || type == PixelType::f64) return {};
  return integer_range(pixel_bytes(type), is_signed);
}

/// What counts as a measurement, by settings; where one is not given, by the type of the pixels.
struct RawLimits {
  std::optional<float> invalid_below{};
  std::optional<float> saturation{};  ///< values at or above are none; 0 = no limit

  ValidRange of(PixelType type) const {
    ValidRange range = default_range(type);
    if (invalid_below) range.low = *invalid_below;
    if (saturation) range.high = *saturation > 0 ? *saturation : std::numeric_limits<float>::infinity();
    return range;
  }
};

}  // namespace flashphase
