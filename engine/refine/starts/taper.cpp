#include "engine/refine/starts/taper.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace flashphase::refine {
namespace {

constexpr float kWidth = 6;  // pixels
constexpr int kReach = 18;   // beyond which a mask does not weigh

}  // namespace

std::vector<float> tapered(std::span<const float> intensity, std::span<const std::uint8_t> measured, int m) {
  const auto at = [m](int y, int x) { return static_cast<std::size_t>(y * m + x); };
  const auto seen = [&](int y, int x) { return y >= 0 && y < m && x >= 0 && x < m && measured[at(y, x)]; };
  std::vector<int> nearest(measured.size(), kReach * kReach);
  for (int y = 0; y < m; ++y) {
    for (int x = 0; x < m; ++x) {
      const bool border = seen(y - 1, x) || seen(y + 1, x) || seen(y, x - 1) || seen(y, x + 1);
      if (measured[at(y, x)] || !border) continue;
      for (int v = std::max(0, y - kReach); v <= std::min(m - 1, y + kReach); ++v)
        for (int u = std::max(0, x - kReach); u <= std::min(m - 1, x + kReach); ++u)
          nearest[at(v, u)] = std::min(nearest[at(v, u)], (v - y) * (v - y) + (u - x) * (u - x));
    }
  }
  std::vector<float> result(intensity.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (!measured[i]) continue;
    const float gone = std::exp(-0.5f * static_cast<float>(nearest[i]) / (kWidth * kWidth));
    result[i] = intensity[i] * (nearest[i] < kReach * kReach ? 1 - gone : 1.0f);
  }
  return result;
}

}  // namespace flashphase::refine
