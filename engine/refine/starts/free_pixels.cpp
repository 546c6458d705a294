#include "engine/refine/starts/free_pixels.h"

#include <algorithm>
#include <random>

namespace flashphase::refine {

std::vector<std::uint8_t> without_free_pixels(std::span<const std::uint8_t> measured, int m, float fraction,
                                              std::uint64_t seed) {
  constexpr int radius = 2;
  std::vector<std::uint8_t> kept(measured.begin(), measured.end());
  const auto all =
      static_cast<float>(std::count_if(kept.begin(), kept.end(), [](auto value) { return value != 0; }));
  auto wanted = static_cast<int>(fraction * all);
  std::mt19937_64 random(seed);
  const auto coordinate = [&] { return static_cast<int>(random() % static_cast<std::uint64_t>(m)); };
  const int centre = m / 2, near = m / 16 + radius;
  for (int tries = 0; wanted > 0 && tries < m * m; ++tries) {
    const int cy = coordinate(), cx = coordinate();
    if ((cy - centre) * (cy - centre) + (cx - centre) * (cx - centre) <= near * near) continue;
    for (int y = std::max(0, cy - radius); y <= std::min(m - 1, cy + radius); ++y) {
      for (int x = std::max(0, cx - radius); x <= std::min(m - 1, cx + radius); ++x) {
        std::uint8_t& pixel = kept[static_cast<std::size_t>(y * m + x)];
        if ((y - cy) * (y - cy) + (x - cx) * (x - cx) > radius * radius || pixel == 0 || wanted == 0)
          continue;
        pixel = 0;
        --wanted;
      }
    }
  }
  return kept;
}

}  // namespace flashphase::refine
