#include "engine/refine/starts/grow.h"

#include <vector>

namespace flashphase::refine {

void grow_by_one(std::span<std::uint8_t> support, int n) {
  const std::vector<std::uint8_t> before(support.begin(), support.end());
  const auto inside = [&](int y, int x) {
    return y >= 0 && y < n && x >= 0 && x < n && before[static_cast<std::size_t>(y * n + x)] != 0;
  };
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      if (inside(y - 1, x) || inside(y + 1, x) || inside(y, x - 1) || inside(y, x + 1)) {
        support[static_cast<std::size_t>(y * n + x)] = 1;
      }
    }
  }
}

}  // namespace flashphase::refine
