#include "engine/score/metrics.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "engine/score/rings.h"

namespace flashphase::score {
namespace {

using Complex = std::complex<float>;

}  // namespace

std::vector<float> diffraction(std::span<const Complex> object, int n, int m) {
  if (n < 1 || n > m)
    throw std::invalid_argument("diffraction: the object must be no larger than the pattern");
  RingTransform transform(n, m);
  transform(object);
  const auto edge = static_cast<std::size_t>(m);
  std::vector<float> intensity(transform.cells());
  for (std::size_t kx = 0; kx < edge; ++kx) {
    for (std::size_t ky = 0; ky < edge; ++ky) {
      const std::size_t to = (ky + edge / 2) % edge * edge + (kx + edge / 2) % edge;
      intensity[to] = static_cast<float>(std::norm(transform.at(kx * edge + ky)));
    }
  }
  return intensity;
}

double intensity_chi2(std::span<const float> calculated, std::span<const float> intensity,
                      std::span<const std::uint8_t> measured) {
  double pp = 0, pg = 0, gg = 0;
  for (std::size_t i = 0; i < intensity.size(); ++i) {
    if (!measured[i]) continue;
    const double p = static_cast<double>(calculated[i]), g = static_cast<double>(intensity[i]);
    pp += p * p;
    pg += p * g;
    gg += g * g;
  }
  if (!(pp > 0) || !(gg > 0)) return 1;
  double error = 0;
  for (std::size_t i = 0; i < intensity.size(); ++i) {
    if (!measured[i]) continue;
    const double difference =
        pg / pp * static_cast<double>(calculated[i]) - static_cast<double>(intensity[i]);
    error += difference * difference;
  }
  return error / gg;
}

double r_factor(std::span<const float> calculated, std::span<const float> intensity,
                std::span<const std::uint8_t> measured) {
  double sum_c = 0, sum_o = 0;
  for (std::size_t i = 0; i < intensity.size(); ++i) {
    if (!measured[i]) continue;
    sum_c += std::sqrt(static_cast<double>(calculated[i]));
    sum_o += std::sqrt(static_cast<double>(intensity[i]));
  }
  if (!(sum_c > 0) || !(sum_o > 0)) return 1;
  double error = 0;
  for (std::size_t i = 0; i < intensity.size(); ++i) {
    if (!measured[i]) continue;
    const double calculated_modulus = std::sqrt(static_cast<double>(calculated[i])) * sum_o / sum_c;
    error += std::abs(calculated_modulus - std::sqrt(static_cast<double>(intensity[i])));
  }
  return error / sum_o;
}

double poisson_llk(std::span<const float> calculated, std::span<const float> intensity,
                   std::span<const std::uint8_t> pixels) {
  constexpr double kFloor = 0.1;
  double sum = 0, count = 0;
  for (std::size_t i = 0; i < intensity.size(); ++i) {
    if (!pixels[i]) continue;
    const double model = static_cast<double>(calculated[i]), photons = static_cast<double>(intensity[i]);
    const double floored = std::max(kFloor, model);
    sum += photons > 0 ? floored - photons + photons * std::log(photons / floored) : model;
    ++count;
  }
  return count > 0 ? sum / count : 0;
}

}  // namespace flashphase::score
