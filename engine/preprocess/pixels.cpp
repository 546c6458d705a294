#include "engine/preprocess/pixels.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace flashphase::preprocess {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();

template <class T>
void load_row(const std::byte* bytes, int count, ValidRange range, float* value, std::uint8_t* measured) {
  for (int i = 0; i < count; ++i) {
    T raw;
    std::memcpy(&raw, bytes + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
    value[i] = static_cast<float>(raw);
    measured[i] = static_cast<std::uint8_t>((value[i] >= range.low) & (value[i] < range.high));
  }
}

void load_row(PixelType type, const std::byte* bytes, int count, ValidRange range, float* value,
              std::uint8_t* measured) {
  switch (type) {
    case PixelType::u8:
      return load_row<std::uint8_t>(bytes, count, range, value, measured);
    case PixelType::u16:
      return load_row<std::uint16_t>(bytes, count, range, value, measured);
    case PixelType::u32:
      return load_row<std::uint32_t>(bytes, count, range, value, measured);
    case PixelType::i16:
      return load_row<std::int16_t>(bytes, count, range, value, measured);
    case PixelType::i32:
      return load_row<std::int32_t>(bytes, count, range, value, measured);
    case PixelType::f32:
      return load_row<float>(bytes, count, range, value, measured);
    case PixelType::f64:
      return load_row<double>(bytes, count, range, value, measured);
  }
}

}  // namespace

std::optional<Rejection> check_pixels(const Frame& frame, const Calibration& calibration) {
  const std::size_t bytes = pixel_bytes(frame.type);
  if (bytes == 0) return Rejection::unsupported_dtype;
  if (frame.height < 1 || frame.width < 1) return Rejection::wrong_shape;
  if (calibration.height != 0 && (frame.height != calibration.height || frame.width != calibration.width)) {
    return Rejection::wrong_shape;
  }
  const std::size_t pixels = static_cast<std::size_t>(frame.height) * static_cast<std::size_t>(frame.width);
  if (frame.pixels.size() / bytes != pixels || frame.pixels.size() % bytes != 0) return Rejection::bad_pixels;
  return std::nullopt;
}

void read_photons(const Frame& frame, const Calibration& calibration, ValidRange range, RowPart part,
                  float* photons, std::uint8_t* measured) {
  const std::size_t first = static_cast<std::size_t>(part.y) * static_cast<std::size_t>(frame.width) +
                            static_cast<std::size_t>(part.x);
  load_row(frame.type, frame.pixels.data() + first * pixel_bytes(frame.type), part.count, range, photons,
           measured);
  if (!calibration.dark.empty()) {
    const float* dark = calibration.dark.data() + first;
    for (int i = 0; i < part.count; ++i) photons[i] -= dark[i];
  }
  if (!calibration.gain.empty()) {
    const float* gain = calibration.gain.data() + first;
    for (int i = 0; i < part.count; ++i) photons[i] *= gain[i];
  }
  if (!calibration.measured.empty()) {
    const std::uint8_t* mask = calibration.measured.data() + first;
    for (int i = 0; i < part.count; ++i) measured[i] &= mask[i];
  }
  for (int i = 0; i < part.count; ++i) {
    const bool good = measured[i] != 0 && std::abs(photons[i]) <= kLargest;
    photons[i] = good && photons[i] > 0 ? photons[i] : 0.0f;
    measured[i] = good;
  }
}

double share_of_marks(const Frame& frame, const Calibration& calibration) {
  std::vector<float> values(static_cast<std::size_t>(frame.width));
  std::vector<std::uint8_t> good(values.size());
  std::size_t pixels = 0, marks = 0;
  for (int y = 0; y < frame.height; ++y) {
    const std::size_t first = static_cast<std::size_t>(y) * values.size();
    load_row(frame.type, frame.pixels.data() + first * pixel_bytes(frame.type), frame.width,
             default_range(frame.type), values.data(), good.data());
    for (std::size_t x = 0; x < values.size(); ++x) {
      const bool seen = calibration.measured.empty() || calibration.measured[first + x] != 0;
      pixels += seen;
      marks += seen && good[x] == 0;
    }
  }
  return pixels > 0 ? static_cast<double>(marks) / static_cast<double>(pixels) : 0;
}

}  // namespace flashphase::preprocess
