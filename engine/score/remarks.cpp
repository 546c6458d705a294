#include "engine/score/remarks.h"

#include <algorithm>

#include "engine/score/split.h"

namespace flashphase::score {

Remarks remarks_on(std::span<const float> intensity, std::span<const std::uint8_t> measured,
                   std::span<const std::uint8_t> support, float residual, float noise_residual) {
  constexpr double kWidest = 0.8, kLeast = 0.5;
  const auto outside = std::ranges::count(support, std::uint8_t{0});
  Remarks remarks;
  remarks.add(Remark::wide_support,
              static_cast<double>(outside) < (1 - kWidest) * static_cast<double>(support.size()));
  // In this order: most results need no look at the pattern.
  remarks.add(Remark::overfitted,
              static_cast<double>(residual) < kLeast * static_cast<double>(noise_residual) &&
                  holds_counts(intensity, measured));
  return remarks;
}

}  // namespace flashphase::score
