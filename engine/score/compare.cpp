#include <algorithm>
#include <cmath>

#include "engine/score/energy.h"
#include "engine/score/score.h"

namespace flashphase::score {
namespace {

using Complex = std::complex<float>;
using Wide = std::complex<double>;

Wide wide(Complex value) {
  return {static_cast<double>(value.real()), static_cast<double>(value.imag())};
}

/// 1 - (sum |p| |g|)^2 / (E_p E_g): what the best scale of |p| leaves of sum (|p| - |g|)^2 / E_g.
double amplitude_chi2(std::span<const Complex> p, std::span<const Complex> g, double energies) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += std::sqrt(std::norm(wide(p[i])) * std::norm(wide(g[i])));
  return energies > 0 ? std::max(0.0, 1 - sum * sum / energies) : 1;
}

double phase_chi2(std::span<const Complex> p, std::span<const Complex> g,
                  std::span<const std::uint8_t> support) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (!support[i]) continue;
    const double difference = std::arg(wide(p[i]) * std::conj(wide(g[i]))), phase = std::arg(wide(g[i]));
    error += difference * difference;
    size += phase * phase;
  }
  if (size > 0) return error / size;
  return error > 0 ? 1 : 0;
}

}  // namespace

Comparison compare(std::span<const Complex> object, std::span<const Complex> truth,
                   std::span<const std::uint8_t> truth_support, int n, Translation translation) {
  Comparison result{align(object, truth, n, translation)};
  const double object_energy = std::norm(result.factor) * energy(object), truth_energy = energy(truth);
  if (!(object_energy > 0) || !(truth_energy > 0)) return result;
  result.amplitude_chi2 =
      static_cast<float>(amplitude_chi2(result.aligned, truth, object_energy * truth_energy));
  result.phase_chi2 = static_cast<float>(phase_chi2(result.aligned, truth, truth_support));
  return result;
}

}  // namespace flashphase::score
