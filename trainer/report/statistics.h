#pragma once

#include <cstddef>
#include <vector>

namespace flashphase::trainer::report {

/// The Gamma distribution x^(shape - 1) exp(-x / scale) / (Gamma(shape) scale^shape).
struct GammaFit {
  double shape = 0, scale = 0;

  double density(double x) const;
};

/// Of greatest likelihood for positive values, by Newton's steps on ln k - psi(k) = ln mean(x) - mean(ln x)
/// (Minka, Estimating a Gamma distribution, 2002). Values that are not positive are left out; zeros without
/// two different ones.
GammaFit gamma_fit(const std::vector<double>& values);

/// Counts between equal edges from 0 to `end`, as a density; what lies beyond counts in the norm alone.
struct Histogram {
  std::vector<double> edges, density;
  std::size_t beyond = 0;
};
Histogram histogram(const std::vector<double>& values, double end, int bins);

/// The value below which the share `q` of them lies, linear between neighbours; NaN of none.
double quantile(std::vector<double> values, double q);

/// Indices of the values at `count` quantiles spaced evenly from the lowest to the highest.
std::vector<std::size_t> at_quantiles(const std::vector<double>& values, std::size_t count);

}  // namespace flashphase::trainer::report
