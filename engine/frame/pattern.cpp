#include "engine/frame/pattern.h"

#include <cmath>

namespace flashphase {

namespace {

/// Photons and number of measured pixels within `reach` of the origin [y, x], round the edges.
struct Around {
  double photons = 0;
  int measured = 0;

  Around(std::span<const float> intensity, std::span<const std::uint8_t> seen, int m, int origin, int reach) {
    for (int dy = -reach; dy < reach; ++dy)
      for (int dx = -reach; dx < reach; ++dx) {
        const int y = (origin + dy + m) % m, x = (origin + dx + m) % m;
        const auto at = static_cast<std::size_t>(y * m + x);
        photons += static_cast<double>(intensity[at]);
        measured += seen[at];
      }
  }
};

/// A particle's light falls off from zero of Q: a pattern that has far more of it about [0, 0] than about the
/// middle was not shifted. Where half of either is not measured (a beam stop) nothing is said.
bool seems_unshifted(std::span<const float> intensity, std::span<const std::uint8_t> measured, int m) {
  constexpr double kFarMore = 10;
  const int reach = m / 8;
  if (reach < 1) return false;
  const Around corner(intensity, measured, m, 0, reach), middle(intensity, measured, m, m / 2, reach);
  const int half = 2 * reach * reach;
  return corner.measured >= half && middle.measured >= half &&
         corner.photons * middle.measured > kFarMore * middle.photons * corner.measured;
}

}  // namespace

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
  summary.unshifted = seems_unshifted(intensity, measured, m);
  return summary;
}

}  // namespace flashphase
