#include "engine/score/metrics.h"

#include <cmath>
#include <stdexcept>

#include "engine/fft/fft2.h"

namespace flashphase::score {
namespace {

using Complex = std::complex<float>;

/// Fourier coefficients of an image in a corner of [m, m], in Fft2's layout.
struct Transform {
  Transform(std::span<const Complex> image, int n, int edge)
      : m(static_cast<std::size_t>(edge)), re(m * m), im(m * m) {
    const auto width = static_cast<std::size_t>(n);
    for (std::size_t i = 0; i < image.size(); ++i) {
      re[i / width * m + i % width] = image[i].real();
      im[i / width * m + i % width] = image[i].imag();
    }
    fft::Fft2(edge).forward(re.data(), im.data());
  }

  std::size_t m;
  fft::AlignedFloats re, im;
};

}  // namespace

std::vector<float> diffraction(std::span<const Complex> object, int n, int m) {
  if (n < 1 || n > m)
    throw std::invalid_argument("diffraction: the object must be no larger than the pattern");
  const Transform f(object, n, m);
  std::vector<float> intensity(f.m * f.m);
  for (std::size_t kx = 0; kx < f.m; ++kx) {
    for (std::size_t ky = 0; ky < f.m; ++ky) {
      const std::size_t from = kx * f.m + ky;
      const std::size_t to = (ky + f.m / 2) % f.m * f.m + (kx + f.m / 2) % f.m;
      intensity[to] = f.re[from] * f.re[from] + f.im[from] * f.im[from];
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

std::vector<float> fourier_ring_correlation(std::span<const Complex> first, std::span<const Complex> second,
                                            int n) {
  const Transform a(first, n, n), b(second, n, n);
  const std::size_t rings = a.m / 2 + 1;
  std::vector<std::complex<double>> cross(rings);
  std::vector<double> energy_a(rings), energy_b(rings);
  const auto frequency = [&](std::size_t k) { return static_cast<double>(k <= a.m / 2 ? k : a.m - k); };
  for (std::size_t i = 0; i < a.m * a.m; ++i) {
    const auto ring =
        static_cast<std::size_t>(std::lround(std::hypot(frequency(i / a.m), frequency(i % a.m))));
    if (ring >= rings) continue;
    const std::complex<double> fa(static_cast<double>(a.re[i]), static_cast<double>(a.im[i]));
    const std::complex<double> fb(static_cast<double>(b.re[i]), static_cast<double>(b.im[i]));
    cross[ring] += fa * std::conj(fb);
    energy_a[ring] += std::norm(fa);
    energy_b[ring] += std::norm(fb);
  }
  std::vector<float> correlation(rings);
  for (std::size_t ring = 0; ring < rings; ++ring) {
    const double energies = energy_a[ring] * energy_b[ring];
    if (energies > 0) correlation[ring] = static_cast<float>(std::abs(cross[ring]) / std::sqrt(energies));
  }
  return correlation;
}

}  // namespace flashphase::score
