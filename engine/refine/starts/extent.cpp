#include "engine/refine/starts/extent.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>

#include "engine/refine/starts/grow.h"
#include "engine/score/metrics.h"

namespace flashphase::refine {
namespace {

struct Point {
  long y = 0, x = 0;
};

/// Above 0 where a, b, c turn to the left.
long turn(Point a, Point b, Point c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

/// Corners in order, the first not again at the end. `points` in the order of rows, then columns (Andrew,
/// Inf. Proc. Lett. 9, 216, 1979).
std::vector<Point> hull_of(const std::vector<Point>& points) {
  std::vector<Point> hull;
  const auto add = [&hull](Point point, std::size_t kept) {
    while (hull.size() > kept + 1 && turn(hull[hull.size() - 2], hull.back(), point) >= 0) hull.pop_back();
    hull.push_back(point);
  };
  for (const Point point : points) add(point, 0);
  const std::size_t kept = hull.size() - 1;
  for (auto point = points.rbegin() + 1; point != points.rend(); ++point) add(*point, kept);
  hull.pop_back();
  return hull;
}

/// Lags [-m/2, m/2) where the autocorrelation is above the threshold.
std::vector<Point> lags_above(std::span<const float> autocorrelation, int m, float threshold) {
  std::vector<Point> lags;
  for (int v = -m / 2; v < m - m / 2; ++v)
    for (int u = -m / 2; u < m - m / 2; ++u)
      if (autocorrelation[static_cast<std::size_t>((v + m) % m * m + (u + m) % m)] > threshold)
        lags.push_back({v, u});
  return lags;
}

/// Twice the area.
long area_of(const std::vector<Point>& hull) {
  long twice = 0;
  for (std::size_t i = 0; i < hull.size(); ++i) twice += turn({}, hull[i], hull[(i + 1) % hull.size()]);
  return std::abs(twice);
}

/// Whether 3/2 of the point lies in the hull.
bool holds(const std::vector<Point>& hull, Point point) {
  const Point thrice{3 * point.y, 3 * point.x};
  for (std::size_t i = 0; i < hull.size(); ++i) {
    const Point a = hull[i], b = hull[(i + 1) % hull.size()];
    if (turn({2 * a.y, 2 * a.x}, {2 * b.y, 2 * b.x}, thrice) > 0) return false;
  }
  return true;
}

}  // namespace

Extent extent_of(std::span<const float> intensity, int n, score::Autocorrelation& autocorrelation,
                 float above_noise) {
  const auto cells = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  const auto lags = autocorrelation(intensity);
  const int m = autocorrelation.size();
  const float noise = score::outskirts(lags, m, m / 2);
  Extent extent{std::vector<std::uint8_t>(cells, std::uint8_t{1}), static_cast<float>(cells)};
  const std::vector<Point> above = lags_above(lags, m, above_noise * noise);
  if (above.empty()) return extent;
  const std::vector<Point> hull = hull_of(above);
  const long twice = area_of(hull);
  if (twice == 0) return extent;
  extent.area = std::min(extent.area, static_cast<float>(twice) / 8);
  for (int y = 0; y < n; ++y)
    for (int x = 0; x < n; ++x)
      extent.mask[static_cast<std::size_t>(y * n + x)] = holds(hull, {y - n / 2, x - n / 2});
  grow_by_one(extent.mask, n);
  return extent;
}

std::vector<float> filled(std::span<const float> intensity, std::span<const std::uint8_t> measured, int m,
                          std::span<const std::complex<float>> answer, int n) {
  std::vector<float> whole(intensity.begin(), intensity.end());
  if (std::ranges::find(measured, std::uint8_t{0}) == measured.end()) return whole;
  const std::vector<float> calculated = score::diffraction(answer, n, m);
  double seen = 0, foretold = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (!measured[i]) continue;
    seen += static_cast<double>(whole[i]);
    foretold += static_cast<double>(calculated[i]);
  }
  const float scale = foretold > 0 ? static_cast<float>(seen / foretold) : 0.0f;
  for (std::size_t i = 0; i < whole.size(); ++i)
    if (!measured[i]) whole[i] = scale * calculated[i];
  return whole;
}

std::vector<std::uint8_t> placed_on(std::span<const std::complex<float>> object,
                                    std::span<const std::uint8_t> mask, int n) {
  double energy = 0, sum_y = 0, sum_x = 0;
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      const auto weight = static_cast<double>(std::norm(object[static_cast<std::size_t>(y * n + x)]));
      energy += weight;
      sum_y += weight * (y - n / 2);
      sum_x += weight * (x - n / 2);
    }
  }
  if (!(energy > 0)) return {mask.begin(), mask.end()};
  const auto dy = static_cast<int>(std::lround(sum_y / energy));
  const auto dx = static_cast<int>(std::lround(sum_x / energy));
  std::vector<std::uint8_t> moved(mask.size());
  for (int y = std::max(0, dy); y < std::min(n, n + dy); ++y)
    for (int x = std::max(0, dx); x < std::min(n, n + dx); ++x)
      moved[static_cast<std::size_t>(y * n + x)] = mask[static_cast<std::size_t>((y - dy) * n + x - dx)];
  return moved;
}

}  // namespace flashphase::refine
