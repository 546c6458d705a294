#include "trainer/report/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace flashphase::trainer::report {
namespace {

/// Recurrence up to 6, then the asymptotic series (Abramowitz & Stegun 6.3.18, 6.4.12).
double digamma(double x) {
  double shift = 0;
  for (; x < 6; ++x) shift -= 1 / x;
  const double s = 1 / (x * x);
  return shift + std::log(x) - 0.5 / x - s * (1.0 / 12 - s * (1.0 / 120 - s * (1.0 / 252 - s / 240)));
}

double trigamma(double x) {
  double shift = 0;
  for (; x < 6; ++x) shift += 1 / (x * x);
  const double s = 1 / (x * x);
  return shift + 1 / x + s / 2 + s / x * (1.0 / 6 - s * (1.0 / 30 - s * (1.0 / 42 - s / 30)));
}

}  // namespace

double GammaFit::density(double x) const {
  return std::exp((shape - 1) * std::log(x) - x / scale - shape * std::log(scale) - std::lgamma(shape));
}

GammaFit gamma_fit(const std::vector<double>& values) {
  double sum = 0, logs = 0, count = 0;
  for (const double value : values) {
    if (!(value > 0)) continue;
    sum += value;
    logs += std::log(value);
    ++count;
  }
  const double mean = sum / count, s = std::log(mean) - logs / count;
  if (!(s > 1e-12)) return {};
  double k = (3 - s + std::sqrt((s - 3) * (s - 3) + 24 * s)) / (12 * s);
  for (int i = 0; i < 50; ++i) {
    const double step = (std::log(k) - digamma(k) - s) / (1 / k - trigamma(k));
    k = std::max(k / 2, k - step);
    if (std::abs(step) < 1e-12 * k) break;
  }
  return {k, mean / k};
}

Histogram histogram(const std::vector<double>& values, double end, int bins) {
  Histogram result;
  for (int i = 0; i <= bins; ++i) result.edges.push_back(end * i / bins);
  result.density.assign(static_cast<std::size_t>(bins), 0);
  const double unit = 1 / (static_cast<double>(values.size()) * end / bins);
  for (const double value : values) {
    const double at = value / end * bins;
    if (at >= 0 && at < bins) {
      result.density[static_cast<std::size_t>(at)] += unit;
    } else {
      ++result.beyond;
    }
  }
  return result;
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::ranges::sort(values);
  const double at = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const auto above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

std::vector<std::size_t> at_quantiles(const std::vector<double>& values, std::size_t count) {
  std::vector<std::size_t> order(values.size()), chosen;
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return values[i]; });
  count = std::min(count, values.size());
  for (std::size_t i = 0; i < count; ++i)
    chosen.push_back(
        order[count == 1 ? values.size() / 2 : (i * (values.size() - 1) + (count - 1) / 2) / (count - 1)]);
  return chosen;
}

}  // namespace flashphase::trainer::report
