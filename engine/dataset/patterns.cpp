#include "engine/dataset/patterns.h"

#include <algorithm>
#include <cmath>

namespace flashphase {

PatternBatch patterns_of(const Dataset& dataset) {
  PatternBatch batch(dataset.count, dataset.pattern_size);
  for (std::size_t i = 0; i < static_cast<std::size_t>(dataset.count); ++i) {
    const std::size_t at = i * batch.pattern_cells();
    const auto pattern = dataset.pattern(i);
    const auto mask = dataset.measured(i);
    const float most =
        kMostPhotons / static_cast<float>(pattern.size());  // of one pixel: NaN is above it too
    bool any = false;
    for (std::size_t p = 0; p < pattern.size(); ++p) {
      const bool good = (mask.empty() || mask[p] != 0) && std::abs(pattern[p]) <= most;
      batch.measured[at + p] = good;
      batch.intensity[at + p] = good && pattern[p] >= kLeastPhotons ? pattern[p] : 0.0f;
      any |= good;
    }
    if (!any)
      std::fill_n(batch.measured.begin() + static_cast<std::ptrdiff_t>(at), batch.pattern_cells(),
                  std::uint8_t{1});
  }
  return batch;
}

bool holds_image(std::span<const float> intensity, int m) {
  int top = m, bottom = -1, left = m, right = -1;
  for (int y = 0; y < m; ++y)
    for (int x = 0; x < m; ++x) {
      if (!(intensity[static_cast<std::size_t>(y * m + x)] > 0)) continue;
      top = std::min(top, y);
      bottom = y;
      left = std::min(left, x);
      right = std::max(right, x);
    }
  return bottom > top && right > left;
}

}  // namespace flashphase
