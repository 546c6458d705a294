#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>
#include <variant>

namespace flashphase {

/// Why a received frame cannot be processed. The words are metric labels:
/// flashphase_frames_rejected_total{reason="..."}.
enum class Rejection {
  bad_message,  ///< not a message of this protocol, or parts missing
  bad_pixels,   ///< payload size does not fit shape and dtype, or does not decompress
  too_large,    ///< over the limit of bytes, as it came or decompressed
  unsupported_dtype,
  wrong_shape,       ///< not the expected shape, or too small
  duplicate,         ///< an id that was already received
  nothing_measured,  ///< every pixel masked, saturated or not finite
  no_signal,         ///< measured pixels add up to zero or less
  not_finite,        ///< measured pixels add up to more than can be worked with, or the image is not finite
  not_a_hit,         ///< fewer lit pixels than asked for
};

inline constexpr std::size_t kRejectionCount = 10;

constexpr std::string_view rejection_name(Rejection reason) {
  constexpr std::array<std::string_view, kRejectionCount> names{
      "bad_message", "bad_pixels",       "too_large", "unsupported_dtype", "wrong_shape",
      "duplicate",   "nothing_measured", "no_signal", "not_finite",        "not_a_hit"};
  return names[static_cast<std::size_t>(reason)];
}

/// A value, or why there is none.
template <class T>
class Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Rejection reason) : content_(std::in_place_index<1>, reason) {}

  bool has_value() const { return content_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& value() { return std::get<0>(content_); }
  const T& value() const { return std::get<0>(content_); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  Rejection error() const { return std::get<1>(content_); }

 private:
  std::variant<T, Rejection> content_;
};

}  // namespace flashphase
