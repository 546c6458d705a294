#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/simulate/random.h"
#include "tools/shared/native_sender.h"

namespace flashphase::tools {

/// What can be wrong on the wire, on purpose.
enum class Fault {
  truncated,    ///< the pixels end early
  oversized,    ///< more pixels than the header says
  wrong_dtype,  ///< a number that is no dtype
  wrong_shape,  ///< half the rows, consistently
  nan,          ///< every pixel is NaN
  negative,     ///< every pixel is below zero
  all_zero,
  garbage,       ///< a message of random bytes before the frame
  duplicate,     ///< the frame twice
  gap,           ///< a sequence number left out before the frame
  double_begin,  ///< a second begin before the frame
};

inline constexpr std::size_t kFaultCount = 11;
inline constexpr std::array<std::string_view, kFaultCount> kFaultNames{
    "truncated", "oversized", "wrong-dtype", "wrong-shape", "nan",         "negative",
    "all-zero",  "garbage",   "duplicate",   "gap",         "double-begin"};

constexpr std::string_view fault_name(Fault fault) {
  return kFaultNames[static_cast<std::size_t>(fault)];
}

/// Draws at most one fault a frame.
class FaultPlan {
 public:
  /// Takes NAME=P with P in [0, 1]. Throws std::invalid_argument naming what is wrong; so does a sum above 1.
  void add(std::string_view name_and_probability);
  std::optional<Fault> draw(simulate::Random& random) const;

 private:
  std::array<float, kFaultCount> probability_{};
};

/// Makes `frame` wrong in the way of the faults that lie within one frame (truncated ... all_zero); the
/// others leave it as it is. `storage` keeps the new pixels and must live until the frame is sent.
void corrupt(Fault fault, WireFrame& frame, std::vector<std::byte>& storage);

}  // namespace flashphase::tools
