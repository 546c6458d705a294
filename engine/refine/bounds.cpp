#include "engine/refine/bounds.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace flashphase::refine {
namespace {

/// Negative values become the mean of their neighbours (circular), from the rim of each hole inwards.
std::vector<float> filled(std::span<const float> modulus, int m) {
  std::vector<float> plane(modulus.begin(), modulus.end());
  std::vector<std::pair<std::size_t, float>> ring;
  do {
    ring.clear();
    for (int y = 0; y < m; ++y) {
      for (int x = 0; x < m; ++x) {
        if (plane[static_cast<std::size_t>(y * m + x)] >= 0) continue;
        float sum = 0;
        int known = 0;
        for (const auto& [v, u] :
             {std::pair{y - 1, x}, std::pair{y + 1, x}, std::pair{y, x - 1}, std::pair{y, x + 1}}) {
          const float value = plane[static_cast<std::size_t>((v + m) % m * m + (u + m) % m)];
          if (value < 0) continue;
          sum += value;
          ++known;
        }
        if (known > 0)
          ring.emplace_back(static_cast<std::size_t>(y * m + x), sum / static_cast<float>(known));
      }
    }
    for (const auto& [i, value] : ring) plane[i] = value;
  } while (!ring.empty());
  return plane;
}

}  // namespace

void set_modulus_bounds(std::span<const float> modulus, int m, double unit, const ModulusRule& rule,
                        std::span<float> low, std::span<float> high) {
  constexpr double kHalf = 0.675;      // half of a normal distribution lies within
  constexpr float kUnbounded = 1e18f;  // its square is finite
  const std::vector<float> interpolated = rule.bound > 0 ? filled(modulus, m) : std::vector<float>();
  for (std::size_t i = 0; i < modulus.size(); ++i) {
    if (modulus[i] < 0) {
      low[i] = 0;
      high[i] = rule.bound > 0 ? rule.bound * std::max(0.0f, interpolated[i]) : kUnbounded;
      continue;
    }
    const double root = unit * static_cast<double>(modulus[i]), photons = root * root;
    const double margin = kHalf * static_cast<double>(rule.confidence) * std::sqrt(photons + 1);
    low[i] = high[i] = modulus[i];
    if (margin <= 0) continue;
    low[i] = static_cast<float>(std::sqrt(std::max(0.0, photons - margin)) / unit);
    high[i] = static_cast<float>(std::sqrt(photons + margin) / unit);
  }
}

}  // namespace flashphase::refine
