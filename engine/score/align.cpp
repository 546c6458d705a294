#include "engine/score/align.h"

#include <algorithm>
#include <cmath>

#include "engine/score/correlator.h"
#include "engine/score/energy.h"

namespace flashphase::score {
namespace {

using Complex = std::complex<float>;
using Wide = std::complex<double>;

/// A symmetric object is its own twin up to rounding: then it stays itself.
constexpr float kTie = 1e-5f;
/// Between whole pixels a peak may be higher than on the best of them, the twin's by another part. Of 1 000
/// pairs of simulated objects, shifted by up to half a pixel, 10 changed places then, none of them below
/// 0.99.
constexpr float kClose = 0.97f;

/// sum conj(p) g
Wide inner(std::span<const Complex> p, std::span<const Complex> g) {
  double re = 0, im = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const auto pr = static_cast<double>(p[i].real()), pi = static_cast<double>(p[i].imag());
    const auto gr = static_cast<double>(g[i].real()), gi = static_cast<double>(g[i].imag());
    re += pr * gr + pi * gi;
    im += pr * gi - pi * gr;
  }
  return {re, im};
}

struct Place {
  bool twin = false;
  Peak peak;
};

Place higher(const Peak& object, const Peak& twin) {
  if (twin.height > object.height * (1 + kTie)) return {true, twin};
  return {false, object};
}

/// Where the object or its twin fits best. Only the one that wins on whole pixels is placed finer, and the
/// other where it is close.
Place best_place(Correlator& correlator, Translation translation) {
  const Peak object = correlator.peak(false), twin = correlator.peak(true);
  Place best = higher(object, twin);
  if (translation == Translation::whole_pixel) return best;
  if (std::min(object.height, twin.height) > kClose * std::max(object.height, twin.height))
    return higher(correlator.refined(false, object), correlator.refined(true, twin));
  best.peak = correlator.refined(best.twin, best.peak);
  return best;
}

}  // namespace

Alignment align(std::span<const Complex> object, std::span<const Complex> reference, int n,
                Translation translation) {
  Alignment result;
  const double object_energy = energy(object), reference_energy = energy(reference);
  if (!(object_energy > 0) || !(reference_energy > 0)) {
    result.aligned.assign(object.begin(), object.end());
    return result;
  }
  Correlator correlator(object, reference, n);
  const auto [twin, peak] = best_place(correlator, translation);
  result.twin = twin;
  result.shift_y = static_cast<float>(peak.at.y);
  result.shift_x = static_cast<float>(peak.at.x);
  result.aligned = translation == Translation::sub_pixel ? correlator.moved_in_fourier_space(twin, peak.at)
                                                         : correlator.moved(twin, peak.at);
  const Wide correlation = inner(result.aligned, reference);
  result.real_space_error =
      static_cast<float>(std::max(0.0, 1 - std::norm(correlation) / (object_energy * reference_energy)));
  result.factor = correlation / object_energy;
  for (Complex& value : result.aligned)
    value = static_cast<Complex>(result.factor * static_cast<Wide>(value));
  return result;
}

}  // namespace flashphase::score
