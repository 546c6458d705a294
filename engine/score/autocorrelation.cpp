#include "engine/score/autocorrelation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>

namespace flashphase::score {
namespace {

/// What a pixel that is not measured may hold: the most of the measured ones around it, all of the pattern's
/// where there are none.
float brightest_near(std::span<const float> intensity, std::span<const std::uint8_t> measured, int m, int y,
                     int x) {
  constexpr int kReach = 2;
  float most = -1;
  for (int v = std::max(0, y - kReach); v <= std::min(m - 1, y + kReach); ++v)
    for (int u = std::max(0, x - kReach); u <= std::min(m - 1, x + kReach); ++u)
      if (const auto at = static_cast<std::size_t>(v * m + u); measured[at])
        most = std::max(most, intensity[at]);
  return most < 0 ? *std::ranges::max_element(intensity) : most;
}

}  // namespace

Autocorrelation::Autocorrelation(int m)
    : fft_(m),
      re_(static_cast<std::size_t>(m) * static_cast<std::size_t>(m)),
      im_(static_cast<std::size_t>(m) * static_cast<std::size_t>(m)) {}

std::span<const float> Autocorrelation::operator()(std::span<const float> intensity) {
  const float brightest = *std::ranges::max_element(intensity);
  const float scale = brightest > 0 ? 1 / brightest : 1.0f;
  const int m = size(), middle = m / 2;
  for (int x = 0; x < m; ++x)
    for (int y = 0; y < m; ++y)
      re_[static_cast<std::size_t>(x * m + y)] =
          scale * intensity[static_cast<std::size_t>((y + middle) % m * m + (x + middle) % m)];
  std::ranges::fill(im_.span(), 0.0f);
  fft_.inverse(re_.data(), im_.data());
  const float first = re_[0] > 0 ? 1 / re_[0] : 0.0f;
  for (std::size_t i = 0; i < re_.size(); ++i) re_[i] = first * std::sqrt(re_[i] * re_[i] + im_[i] * im_[i]);
  return re_.span();
}

float outskirts(std::span<const float> autocorrelation, int m, int from) {
  double sum = 0;
  int count = 0;
  for (int v = -m / 2; v < m - m / 2; ++v) {
    for (int u = -m / 2; u < m - m / 2; ++u) {
      if (std::max(std::abs(v), std::abs(u)) < from) continue;
      const auto at = static_cast<std::size_t>((v + m) % m * m + (u + m) % m);
      sum += static_cast<double>(autocorrelation[at]) * static_cast<double>(autocorrelation[at]);
      ++count;
    }
  }
  return count > 0 ? static_cast<float>(std::sqrt(sum / count)) : 0.0f;
}

float overflow(std::span<const float> intensity, std::span<const std::uint8_t> measured,
               Autocorrelation& autocorrelation) {
  constexpr double kSignificant = 2.2;  // times the noise, of some 600 lags
  constexpr double kMissing = 0.001;    // of the light: it would pass for an overflow
  const int m = autocorrelation.size();
  double photons = 0, missing = 0;
  for (int y = 0; y < m; ++y) {
    for (int x = 0; x < m; ++x) {
      const auto at = static_cast<std::size_t>(y * m + x);
      photons += static_cast<double>(intensity[at]);
      if (!measured[at]) missing += static_cast<double>(brightest_near(intensity, measured, m, y, x));
    }
  }
  if (!(photons > 0) || missing > kMissing * photons) return 0;
  const auto level = static_cast<double>(outskirts(autocorrelation(intensity), m, 27 * m / 64));
  const double power = level * level, noise = 1 / photons;
  return power > kSignificant * noise ? static_cast<float>(std::sqrt(power - noise)) : 0.0f;
}

}  // namespace flashphase::score
