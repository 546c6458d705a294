#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace flashphase {

/// What speaks against a result. Names and order stand on the wire and in files: more are only ever added, at
/// the end.
enum class Remark : std::uint8_t {
  // The pattern lies outside the model's domain:
  unshifted,
  too_large,
  few_photons,
  many_photons,
  unmeasured,
  off_centre,
  // Of the image (engine/score/remarks.h):
  overfitted,
  wide_support
};

struct RemarkText {
  std::string_view name;   ///< for programs
  std::string_view words;  ///< for people: what is wrong, and where it can be told what to do
};

inline constexpr std::array kRemarkTexts{
    RemarkText{"unshifted",
               "brightest in the corners, zero of Q belongs in the middle; numpy.fft.fftshift it"},
    RemarkText{"too_large", "the object is larger than the square; bin less"},
    RemarkText{"few_photons", "fewer photons than the model knows"},
    RemarkText{"many_photons", "more photons than the model knows"},
    RemarkText{"unmeasured", "less of it is measured than the model knows"},
    RemarkText{"off_centre", "its centre lies farther from the middle than the model knows"},
    RemarkText{"overfitted", "over-fitted, more of the counting noise is in the image than beside it"},
    RemarkText{"wide_support", "its support fills over 80 % of the square"}};
inline constexpr std::size_t kRemarkCount = kRemarkTexts.size();

constexpr std::size_t index_of(Remark remark) {
  return static_cast<std::size_t>(remark);
}
constexpr const RemarkText& text_of(Remark remark) {
  return kRemarkTexts[index_of(remark)];
}

inline constexpr auto kRemarks = [] {
  std::array<Remark, kRemarkCount> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<Remark>(i);
  return all;
}();

/// A set of them.
class Remarks {
 public:
  /// Bit i is the i-th remark.
  constexpr std::uint16_t bits() const { return bits_; }
  constexpr bool has(Remark remark) const { return (bits_ >> index_of(remark) & 1) != 0; }
  constexpr bool in_domain() const { return bits_ % (1u << index_of(Remark::overfitted)) == 0; }

  constexpr void add(Remark remark, bool holds = true) {
    bits_ = static_cast<std::uint16_t>(bits_ | unsigned{holds} << index_of(remark));
  }
  constexpr void add(Remarks more) { bits_ = static_cast<std::uint16_t>(bits_ | more.bits_); }

  bool operator==(const Remarks&) const = default;

 private:
  std::uint16_t bits_ = 0;
};

}  // namespace flashphase
