#include "engine/preprocess/photon_reader.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

namespace flashphase::preprocess {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();

/// The pixel at `bytes` as T, converted to float.
template <class T>
float value_at(const std::byte* bytes) {
  T raw;
  std::memcpy(&raw, bytes, sizeof(T));
  return static_cast<float>(raw);
}

/// Calls work with a value of the type of the pixels.
template <class Work>
auto with_type(PixelType type, Work work) {
  switch (type) {
    case PixelType::u8:
      return work(std::uint8_t{});
    case PixelType::u16:
      return work(std::uint16_t{});
    case PixelType::u32:
      return work(std::uint32_t{});
    case PixelType::i16:
      return work(std::int16_t{});
    case PixelType::i32:
      return work(std::int32_t{});
    case PixelType::f32:
      return work(float{});
    case PixelType::f64:
      break;
  }
  return work(double{});
}

/// `step`: bytes from one pixel to the next.
template <class T>
void load_row(const std::byte* bytes, std::ptrdiff_t step, int count, ValidRange range, float* value,
              std::uint8_t* measured) {
  const auto one = [&](int i, std::ptrdiff_t from_one) {
    value[i] = value_at<T>(bytes + i * from_one);
    measured[i] = static_cast<std::uint8_t>((value[i] >= range.low) & (value[i] < range.high));
  };
  constexpr auto kNext = static_cast<std::ptrdiff_t>(sizeof(T));
  if (step == kNext)  // told apart, that the compiler may use vectors
    for (int i = 0; i < count; ++i) one(i, kNext);
  else
    for (int i = 0; i < count; ++i) one(i, step);
}

/// How many of `count` pixels are of the set and not masked, counted in the type of the set's answers:
/// vectors hold more of a small one. `seen(i)` is 0 or 1.
template <class Number, class IsIn, class Seen>
int count_in(int count, IsIn is_in, Seen seen) {
  constexpr int kPiece = std::numeric_limits<Number>::max() < 4096 ? 128 : 4096;  // no sum overflows
  int total = 0;
  for (int first = 0; first < count; first += kPiece) {
    const int last = std::min(count, first + kPiece);
    Number sum = 0;
    for (int i = first; i < last; ++i)
      sum = static_cast<Number>(sum + static_cast<Number>(is_in(i) & static_cast<Number>(seen(i))));
    total += static_cast<int>(sum);
  }
  return total;
}

/// With a float of every pixel.
template <class T, class Seen>
int brighter_floats(const std::byte* bytes, int count, ValidRange range, float threshold, Seen seen) {
  const auto is_in = [=](int i) {
    const float value = value_at<T>(bytes + static_cast<std::size_t>(i) * sizeof(T));
    return static_cast<std::int32_t>((value >= range.low) & (value < range.high) &
                                     (std::abs(value) <= kLargest) &
                                     ((value > 0 ? value : 0.0f) > threshold));
  };
  return count_in<std::int32_t>(count, is_in, seen);
}

/// The same of integers that floats hold exactly: those between two of them.
template <class T, class Seen>
int brighter_integers(const std::byte* bytes, int count, ValidRange range, float threshold, Seen seen) {
  using Unsigned = std::make_unsigned_t<T>;
  using Limits = std::numeric_limits<T>;
  const float above = threshold < 0 ? range.low : std::max(range.low, std::floor(threshold) + 1);
  const float low = std::max(std::ceil(above), static_cast<float>(Limits::lowest()));
  const float high = std::min(std::ceil(range.high) - 1, static_cast<float>(Limits::max()));
  if (!(low <= high)) return 0;
  const auto first = static_cast<Unsigned>(static_cast<T>(low));
  const auto span = static_cast<Unsigned>(static_cast<Unsigned>(static_cast<T>(high)) - first);
  const auto is_in = [=](int i) {
    Unsigned raw;
    std::memcpy(&raw, bytes + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
    return static_cast<Unsigned>(static_cast<Unsigned>(raw - first) <= span);
  };
  return count_in<Unsigned>(count, is_in, seen);
}

template <class T>
int brighter_in(const std::byte* bytes, const std::uint8_t* mask, int count, ValidRange range,
                float threshold) {
  const auto with = [&](auto seen) {
    if constexpr (std::is_integral_v<T> && sizeof(T) <= 2)
      return brighter_integers<T>(bytes, count, range, threshold, seen);
    else
      return brighter_floats<T>(bytes, count, range, threshold, seen);
  };
  return mask == nullptr ? with([](int) { return 1; }) : with([mask](int i) { return mask[i]; });
}

/// The image's shape is the calibration's.
bool fits(const PixelBlock& pixels, const Calibration& calibration) {
  return calibration.height == 0 ||
         (pixels.height == calibration.height && pixels.width == calibration.width);
}

template <class T>
const T* data_or(const std::vector<T>& first, const std::vector<T>* second = nullptr) {
  if (!first.empty()) return first.data();
  return second != nullptr && !second->empty() ? second->data() : nullptr;
}

}  // namespace

PhotonReader::PhotonReader(const Frame& frame, const Calibration& calibration, const RawLimits& limits)
    : pixels_(frame.pixels), range_(limits.of(pixels_.type)), problem_(problem_of(pixels_)) {
  if (!problem_ && !fits(pixels_, calibration)) problem_ = Rejection::wrong_shape;
  if (problem_) return;
  unpacked_.emplace(pixels_);
  const Calibration* constants = pixels_.constants.get();
  dark_ = data_or(calibration.dark, constants != nullptr ? &constants->dark : nullptr);
  gain_ = data_or(calibration.gain, constants != nullptr ? &constants->gain : nullptr);
  const std::uint8_t* const masks[] = {data_or(calibration.measured),
                                       constants != nullptr ? data_or(constants->measured) : nullptr,
                                       pixels_.mask.empty() ? nullptr : pixels_.mask.data()};
  std::ranges::copy_if(masks, masks_, [](const std::uint8_t* mask) { return mask != nullptr; });
}

std::optional<Rejection> PhotonReader::open(int first, int last) {
  if (problem_) return problem_;
  first = std::clamp(first, 0, pixels_.height);
  last = std::clamp(last, first, pixels_.height);
  const auto width = static_cast<std::size_t>(pixels_.width), element = pixel_bytes(pixels_.type);
  const Layout::Range range = pixels_.layout ? pixels_.layout->extent_of(first, last)
                                             : Layout::Range{static_cast<std::size_t>(first) * width,
                                                             static_cast<std::size_t>(last) * width};
  if (!unpacked_->need(range.first * element, range.last * element)) problem_ = Rejection::bad_pixels;
  return problem_;
}

void PhotonReader::load(RowPart part, ValidRange range, std::uint8_t gap, float* value,
                        std::uint8_t* measured) const {
  const auto element = static_cast<std::ptrdiff_t>(pixel_bytes(pixels_.type));
  const auto load_from = [&](std::int64_t pixel, std::int64_t stride, int at, int count) {
    with_type(pixels_.type, [&](auto type) {
      load_row<decltype(type)>(unpacked_->data() + pixel * element, stride * element, count, range,
                               value + at, measured + at);
    });
  };
  if (!pixels_.layout) return load_from(std::int64_t{part.y} * pixels_.width + part.x, 1, 0, part.count);
  std::fill_n(value, part.count, 0.0f);
  std::fill_n(measured, part.count, gap);
  for (const Module* module : pixels_.layout->at_row(part.y)) {
    const int first = std::max(part.x, module->x),
              last = std::min(part.x + part.count, module->x + module->width);
    if (first < last)
      load_from(
          module->offset + (part.y - module->y) * module->stride_y + (first - module->x) * module->stride_x,
          module->stride_x, first - part.x, last - first);
  }
}

void PhotonReader::read(RowPart part, float* photons, std::uint8_t* measured) const {
  const std::size_t first = static_cast<std::size_t>(part.y) * static_cast<std::size_t>(pixels_.width) +
                            static_cast<std::size_t>(part.x);
  load(part, range_, 0, photons, measured);
  if (dark_ != nullptr)
    for (int i = 0; i < part.count; ++i) photons[i] -= dark_[first + static_cast<std::size_t>(i)];
  if (gain_ != nullptr)
    for (int i = 0; i < part.count; ++i) photons[i] *= gain_[first + static_cast<std::size_t>(i)];
  for (const std::uint8_t* mask : masks_)
    if (mask != nullptr)
      for (int i = 0; i < part.count; ++i) measured[i] &= mask[first + static_cast<std::size_t>(i)];
  for (int i = 0; i < part.count; ++i) {
    const bool good = measured[i] != 0 && std::abs(photons[i]) <= kLargest;
    photons[i] = good && photons[i] > 0 ? photons[i] : 0.0f;
    measured[i] = good;
  }
}

int PhotonReader::brighter(int y, float threshold) const {
  const int width = pixels_.width;
  if (!pixels_.layout && dark_ == nullptr && gain_ == nullptr && masks_[1] == nullptr) {
    const std::size_t first = static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
    const std::uint8_t* mask = masks_[0] == nullptr ? nullptr : masks_[0] + first;
    return with_type(pixels_.type, [&](auto type) {
      return brighter_in<decltype(type)>(unpacked_->data() + first * sizeof type, mask, width, range_,
                                         threshold);
    });
  }
  constexpr int kChunk = 512;
  float photons[kChunk];
  std::uint8_t measured[kChunk];
  int lit = 0;
  for (int x = 0; x < width; x += kChunk) {
    const int count = std::min(kChunk, width - x);
    read({y, x, count}, photons, measured);
    for (int i = 0; i < count; ++i) lit += static_cast<int>(photons[i] > threshold) & measured[i];
  }
  return lit;
}

double share_of_marks(const Frame& frame, const Calibration& calibration) {
  PhotonReader reader(frame, calibration, {});
  if (reader.open()) return 0;
  const auto width = static_cast<std::size_t>(reader.width());
  std::vector<float> values(width);
  std::vector<std::uint8_t> good(width);
  constexpr std::uint8_t kGap = 2;
  std::size_t pixels = 0, marks = 0;
  for (int y = 0; y < reader.height(); ++y) {
    reader.load({y, 0, reader.width()}, default_range(frame.pixels.type), kGap, values.data(), good.data());
    for (std::size_t x = 0; x < width; ++x) {
      const std::size_t at = static_cast<std::size_t>(y) * width + x;
      const bool seen = good[x] != kGap && std::ranges::all_of(reader.masks_, [&](const std::uint8_t* mask) {
                          return mask == nullptr || mask[at] != 0;
                        });
      pixels += seen;
      marks += seen && good[x] == 0;
    }
  }
  return pixels > 0 ? static_cast<double>(marks) / static_cast<double>(pixels) : 0;
}

}  // namespace flashphase::preprocess
