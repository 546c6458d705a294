#include "engine/score/autocorrelation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace flashphase::score {
namespace {

float largest_of(std::span<const float> values) {
  float largest = 0;
#pragma omp simd reduction(max : largest)
  for (std::size_t i = 0; i < values.size(); ++i) largest = values[i] > largest ? values[i] : largest;
  return largest;
}

double sum_of(std::span<const float> values) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < values.size(); ++i) sum += static_cast<double>(values[i]);
  return sum;
}

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
  return most < 0 ? largest_of(intensity) : most;
}

}  // namespace

Autocorrelation::Autocorrelation(int m)
    : fft_(m),
      re_(static_cast<std::size_t>(m) * static_cast<std::size_t>(m)),
      im_(static_cast<std::size_t>(m) * static_cast<std::size_t>(m)) {}

std::span<const float> Autocorrelation::operator()(std::span<const float> intensity) {
  const float brightest = largest_of(intensity);
  const float scale = brightest > 0 ? 1 / brightest : 1.0f;
  const auto m = static_cast<std::size_t>(size()), middle = m / 2;
  // The middle goes to the corner, into the transposed order of Fourier space.
  const auto move = [&](std::size_t y, std::size_t from, std::size_t to, std::size_t x) {
    const float* const row = intensity.data() + ((y + middle) % m) * m;
    for (; from < to; ++from, ++x) re_[x * m + y] = scale * row[from];
  };
  for (std::size_t y = 0; y < m; ++y) {
    move(y, middle, m, 0);
    move(y, 0, middle, m - middle);
  }
  std::ranges::fill(im_.span(), 0.0f);
  fft_.inverse(re_.data(), im_.data());
  const float first = re_[0] > 0 ? 1 / re_[0] : 0.0f;
  for (std::size_t i = 0; i < re_.size(); ++i) re_[i] = first * std::sqrt(re_[i] * re_[i] + im_[i] * im_[i]);
  return re_.span();
}

float outskirts(std::span<const float> autocorrelation, int m, int from) {
  // Lags of `from` or more lie at [from, m - from].
  double sum = 0;
  int count = 0;
  for (int v = 0; v < m; ++v) {
    const bool all = v >= from && v <= m - from;
    const int first = all ? 0 : from, end = all ? m : std::max(from, m - from + 1);
    const float* const row = autocorrelation.data() + static_cast<std::ptrdiff_t>(v) * m;
    float of_row = 0;
#pragma omp simd reduction(+ : of_row)
    for (int u = first; u < end; ++u) of_row += row[u] * row[u];
    sum += static_cast<double>(of_row);
    count += end - first;
  }
  return count > 0 ? static_cast<float>(std::sqrt(sum / count)) : 0.0f;
}

float overflow(std::span<const float> intensity, std::span<const std::uint8_t> measured,
               Autocorrelation& autocorrelation) {
  constexpr double kSignificant = 2.2;  // times the noise, of some 600 lags
  constexpr double kMissing = 0.001;    // of the light: it would pass for an overflow
  const int m = autocorrelation.size();
  const double photons = sum_of(intensity);
  double missing = 0;
  if (std::ranges::find(measured, std::uint8_t{0}) != measured.end())
    for (int y = 0; y < m; ++y)
      for (int x = 0; x < m; ++x)
        if (!measured[static_cast<std::size_t>(y * m + x)])
          missing += static_cast<double>(brightest_near(intensity, measured, m, y, x));
  if (!(photons > 0) || missing > kMissing * photons) return 0;
  const auto level = static_cast<double>(outskirts(autocorrelation(intensity), m, 27 * m / 64));
  const double power = level * level, noise = 1 / photons;
  return power > kSignificant * noise ? static_cast<float>(std::sqrt(power - noise)) : 0.0f;
}

}  // namespace flashphase::score
