#include "engine/frame/pattern.h"

#include <cmath>

namespace flashphase {

PatternSummary summary_of(std::span<const float> intensity, std::span<const std::uint8_t> measured, int m) {
  const auto edge = static_cast<std::size_t>(m);
  double photons = 0, weight = 0, sum_y = 0, sum_x = 0;
  std::size_t seen = 0;
  for (std::size_t y = 0; y < edge; ++y) {
    const float* row = intensity.data() + y * edge;
    const std::uint8_t* row_measured = measured.data() + y * edge;
    float total = 0, roots = 0, moment = 0;
    int count = 0;
#pragma omp simd reduction(+ : total, roots, moment, count)
    for (std::size_t x = 0; x < edge; ++x) {
      const float root = std::sqrt(row[x]);
      total += row[x];
      roots += root;
      moment += root * static_cast<float>(static_cast<int>(x));
      count += row_measured[x];
    }
    photons += static_cast<double>(total);
    weight += static_cast<double>(roots);
    sum_y += static_cast<double>(roots) * static_cast<double>(y);
    sum_x += static_cast<double>(moment);
    seen += static_cast<std::size_t>(count);
  }
  PatternSummary summary;
  summary.photons = static_cast<float>(photons);
  summary.unmeasured = static_cast<double>(edge * edge - seen) / static_cast<double>(edge * edge);
  if (weight > 0)
    summary.centre_offset = static_cast<float>(std::hypot(sum_y / weight - m / 2, sum_x / weight - m / 2));
  return summary;
}

}  // namespace flashphase
