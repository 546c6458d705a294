#include <algorithm>
#include <cmath>

#include "engine/score/correlator.h"
#include "engine/score/energy.h"
#include "engine/score/score.h"

namespace flashphase::score {
namespace {

using Complex = std::complex<float>;
using Wide = std::complex<double>;

Wide wide(Complex value) {
  return {static_cast<double>(value.real()), static_cast<double>(value.imag())};
}

Wide inner(std::span<const Complex> p, std::span<const Complex> g) {
  Wide sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const Wide a = wide(p[i]), b = wide(g[i]);
    sum += Wide(a.real() * b.real() + a.imag() * b.imag(), a.real() * b.imag() - a.imag() * b.real());
  }
  return sum;
}

/// 1 - (sum |p| |g|)^2 / (E_p E_g): what the best scale of |p| leaves of sum (|p| - |g|)^2 / E_g.
double amplitude_chi2(std::span<const Complex> p, std::span<const Complex> g, double energies) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += std::sqrt(std::norm(wide(p[i])) * std::norm(wide(g[i])));
  return std::max(0.0, 1 - sum * sum / energies);
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

/// The object or its twin, moved to where it fits the truth best.
struct Candidate {
  Shift shift;
  std::vector<Complex> image;
  Wide correlation;
};

Candidate place(Correlator& correlator, bool twin, std::span<const Complex> truth, Translation translation) {
  Candidate candidate;
  candidate.shift = correlator.peak(twin);
  if (translation == Translation::sub_pixel) {
    candidate.shift = correlator.refined_peak(twin, candidate.shift);
    candidate.image = correlator.moved_in_fourier_space(twin, candidate.shift);
  } else {
    candidate.image = correlator.moved(twin, candidate.shift);
  }
  candidate.correlation = inner(candidate.image, truth);
  return candidate;
}

}  // namespace

Comparison compare(std::span<const Complex> object, std::span<const Complex> truth,
                   std::span<const std::uint8_t> truth_support, int n, Translation translation) {
  Comparison result;
  const double object_energy = energy(object), truth_energy = energy(truth);
  if (!(object_energy > 0) || !(truth_energy > 0)) {
    result.aligned.assign(object.begin(), object.end());
    return result;
  }
  Correlator correlator(object, truth, n);
  Candidate best = place(correlator, false, truth, translation);
  Candidate twin = place(correlator, true, truth, translation);
  // A symmetric object is its own twin up to rounding: then it stays itself.
  constexpr double kTie = 1e-6;
  result.twin = std::abs(twin.correlation) > std::abs(best.correlation) * (1 + kTie);
  if (result.twin) best = std::move(twin);
  result.shift_y = static_cast<float>(best.shift.y);
  result.shift_x = static_cast<float>(best.shift.x);
  result.aligned = std::move(best.image);

  const double energies = object_energy * truth_energy;
  result.real_space_error = static_cast<float>(std::max(0.0, 1 - std::norm(best.correlation) / energies));
  result.amplitude_chi2 = static_cast<float>(amplitude_chi2(result.aligned, truth, energies));
  const Wide scale = best.correlation / object_energy;
  for (Complex& value : result.aligned) value = static_cast<Complex>(scale * wide(value));
  result.phase_chi2 = static_cast<float>(phase_chi2(result.aligned, truth, truth_support));
  return result;
}

}  // namespace flashphase::score
