#include "engine/score/resolution.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "engine/score/rings.h"

namespace flashphase::score {

std::vector<float> fourier_ring_correlation(std::span<const std::complex<float>> first,
                                            std::span<const std::complex<float>> second, int n) {
  RingTransform a(n, n), b(n, n);
  a(first);
  b(second);
  std::vector<std::complex<double>> cross(a.rings());
  std::vector<double> energy_a(a.rings()), energy_b(a.rings());
  for (std::size_t i = 0; i < a.cells(); ++i) {
    const std::size_t ring = a.ring_of(i);
    if (ring >= a.rings()) continue;
    cross[ring] += a.at(i) * std::conj(b.at(i));
    energy_a[ring] += std::norm(a.at(i));
    energy_b[ring] += std::norm(b.at(i));
  }
  std::vector<float> correlation(a.rings());
  for (std::size_t ring = 0; ring < a.rings(); ++ring) {
    const double energies = energy_a[ring] * energy_b[ring];
    if (energies > 0) correlation[ring] = static_cast<float>(std::abs(cross[ring]) / std::sqrt(energies));
  }
  return correlation;
}

std::vector<float> half_bit_threshold(int n) {
  const RingTransform transform(n, n);
  std::vector<double> pixels(transform.rings());
  for (std::size_t i = 0; i < transform.cells(); ++i) {
    const std::size_t ring = transform.ring_of(i);
    if (ring < transform.rings()) ++pixels[ring];
  }
  constexpr double kSnr = (std::numbers::sqrt2 - 1) / 2;
  std::vector<float> threshold;
  for (const double count : pixels) {
    const double signal = kSnr + 2 * std::sqrt(kSnr / count);
    threshold.push_back(static_cast<float>((signal + 1 / std::sqrt(count)) / (signal + 1)));
  }
  return threshold;
}

Resolution resolution(std::span<const float> curve, std::span<const float> threshold, int m) {
  if (m < 1 || curve.size() != static_cast<std::size_t>(m / 2 + 1) || threshold.size() != curve.size()) {
    throw std::invalid_argument("resolution: curve and threshold must cover the rings 0 to half the edge");
  }
  const auto at = [m](float ring, bool crossed) {
    return Resolution{ring, static_cast<float>(m) / std::max(1.0f, ring), crossed};
  };
  // The one pixel of ring 0 always correlates with itself: both are 1 there but for rounding.
  float before = std::max(0.0f, curve[0] - threshold[0]);
  for (std::size_t ring = 1; ring < curve.size(); ++ring) {
    const float margin = curve[ring] - threshold[ring];
    if (margin < 0) return at(static_cast<float>(ring - 1) + before / (before - margin), true);
    before = margin;
  }
  return at(static_cast<float>(curve.size() - 1), false);
}

}  // namespace flashphase::score
