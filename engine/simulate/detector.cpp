#include "engine/simulate/detector.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace flashphase::simulate {
namespace {

constexpr std::uint64_t kStream = 2;

/// exp(2 pi i shift (k - n/2) / 2n) for k < n.
void fill_ramp(int n, float shift, std::span<std::complex<float>> ramp) {
  for (int k = 0; k < n; ++k) {
    const float angle = kFullTurn * shift * static_cast<float>(k - n / 2) / static_cast<float>(2 * n);
    ramp[static_cast<std::size_t>(k)] = {std::cos(angle), std::sin(angle)};
  }
}

std::complex<float> product(std::complex<float> a, std::complex<float> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

}  // namespace

void apply_offset(std::span<std::complex<float>> object, int n, float y, float x) {
  const auto width = static_cast<std::size_t>(n);
  std::vector<std::complex<float>> ramp_y(width), ramp_x(width);
  fill_ramp(n, y, ramp_y);
  fill_ramp(n, x, ramp_x);
  for (std::size_t i = 0; i < width * width; ++i)
    object[i] = product(object[i], product(ramp_y[i / width], ramp_x[i % width]));
}

DetectorSimulator::DetectorSimulator(const Recipe& recipe)
    : recipe_(validate(recipe)),
      fft_(2 * recipe.object_size),
      re_(static_cast<std::size_t>(4 * recipe.object_size * recipe.object_size)),
      im_(re_.size()),
      ramp_y_(static_cast<std::size_t>(recipe.object_size)),
      ramp_x_(ramp_y_.size()) {
  taps_.reserve(static_cast<std::size_t>(pattern_size()) * 2);
}

Exposure DetectorSimulator::pattern(std::span<const std::complex<float>> object, std::uint64_t seed,
                                    std::span<float> intensity, std::span<std::uint8_t> measured) {
  Random random(seed, kStream);
  const Exposure exposure = draw_exposure(random);
  draw_mask(random, exposure.beam_stop, measured);
  diffract(object, exposure, intensity);
  if (exposure.coherence_blur > 0) blur(exposure.coherence_blur, intensity);

  const double total = std::accumulate(intensity.begin(), intensity.end(), 0.0);
  const float scale = total > 0 ? static_cast<float>(static_cast<double>(exposure.photons) / total) : 0.0f;
  for (float& pixel : intensity) pixel = pixel * scale + exposure.background;
  if (!exposure.noise_free)
    for (float& pixel : intensity) pixel = random.poisson(pixel);
  for (std::size_t i = 0; i < intensity.size(); ++i) {
    if (recipe_.saturation > 0 && intensity[i] >= recipe_.saturation) measured[i] = 0;
    intensity[i] = measured[i] != 0 ? intensity[i] : 0.0f;
  }
  return exposure;
}

Exposure DetectorSimulator::draw_exposure(Random& random) const {
  Exposure exposure;
  exposure.noise_free = random.chance(recipe_.noise_free_fraction);
  const float photons = random.log_uniform(recipe_.photons);
  if (!exposure.noise_free) exposure.photons = photons;
  exposure.background = random.uniform(recipe_.background);
  const float radius = random.uniform(recipe_.beam_stop);
  if (random.chance(recipe_.beam_stop_probability)) exposure.beam_stop = radius;
  const float offset = random.uniform(recipe_.centre_offset), direction = kFullTurn * random.uniform();
  exposure.offset_y = offset * std::sin(direction);
  exposure.offset_x = offset * std::cos(direction);
  exposure.coherence_blur = random.uniform(recipe_.coherence_blur);
  return exposure;
}

void DetectorSimulator::draw_mask(Random& random, float beam_stop, std::span<std::uint8_t> measured) const {
  const int m = pattern_size();
  std::fill(measured.begin(), measured.end(), std::uint8_t{1});
  const auto block = [&](int y, int x) { measured[static_cast<std::size_t>(y * m + x)] = 0; };

  const int reach = std::min(m / 2 - 1, static_cast<int>(beam_stop));
  for (int y = -reach; y <= reach; ++y)
    for (int x = -reach; x <= reach; ++x)
      if (static_cast<float>(y * y + x * x) < beam_stop * beam_stop) block(m / 2 + y, m / 2 + x);

  const auto dead =
      static_cast<int>(std::lround(random.uniform(recipe_.dead_fraction) * static_cast<float>(m * m)));
  const Range pixels{0, static_cast<float>(m * m - 1)};
  for (int i = 0; i < dead; ++i) measured[static_cast<std::size_t>(random.whole(pixels))] = 0;

  if (!random.chance(recipe_.gap_probability)) return;
  const int width = std::min(m, random.whole(recipe_.gap_width));
  const int first = random.whole({0, static_cast<float>(m - width)});
  const bool horizontal = random.chance(0.5f);
  for (int across = first; across < first + width; ++across)
    for (int along = 0; along < m; ++along) horizontal ? block(across, along) : block(along, across);
}

// The object goes in transposed, because the transform leaves its result transposed, and with alternating
// signs, which puts the zero of Q into the middle; its place in the frame does not change the intensity.
void DetectorSimulator::diffract(std::span<const std::complex<float>> object, const Exposure& exposure,
                                 std::span<float> intensity) {
  const auto n = static_cast<std::size_t>(recipe_.object_size);
  fill_ramp(recipe_.object_size, exposure.offset_y, ramp_y_);
  fill_ramp(recipe_.object_size, exposure.offset_x, ramp_x_);
  std::fill_n(re_.data(), re_.size(), 0.0f);
  std::fill_n(im_.data(), im_.size(), 0.0f);
  for (std::size_t y = 0; y < n; ++y) {
    for (std::size_t x = 0; x < n; ++x) {
      const auto value = product(object[y * n + x], product(ramp_y_[y], ramp_x_[x]));
      const float sign = (y + x) % 2 == 0 ? 1.0f : -1.0f;
      re_[x * 2 * n + y] = sign * value.real();
      im_[x * 2 * n + y] = sign * value.imag();
    }
  }
  fft_.forward(re_.data(), im_.data());
  const float* re = re_.data();
  const float* im = im_.data();
  for (std::size_t i = 0; i < intensity.size(); ++i) intensity[i] = re[i] * re[i] + im[i] * im[i];
}

// Cyclic, as the pattern of a sampled transform is; `re_` serves as scratch.
void DetectorSimulator::blur(float sigma, std::span<float> intensity) {
  const int m = pattern_size();
  const int reach = std::min(m / 2 - 1, static_cast<int>(std::ceil(3.5f * sigma)));
  taps_.clear();
  float sum = 0;
  for (int d = -reach; d <= reach; ++d) {
    taps_.push_back(std::exp(-0.5f * static_cast<float>(d * d) / (sigma * sigma)));
    sum += taps_.back();
  }
  for (float& tap : taps_) tap /= sum;

  float* rows = re_.data();
  std::fill_n(rows, re_.size(), 0.0f);
  for (int y = 0; y < m; ++y) {
    for (int d = -reach; d <= reach; ++d) {
      const float tap = taps_[static_cast<std::size_t>(d + reach)];
      const float* source = &intensity[static_cast<std::size_t>((y + d + m) % m * m)];
      for (int x = 0; x < m; ++x) rows[y * m + x] += tap * source[x];
    }
  }
  for (int y = 0; y < m; ++y) {
    for (int x = 0; x < m; ++x) {
      float value = 0;
      for (int d = -reach; d <= reach; ++d)
        value += taps_[static_cast<std::size_t>(d + reach)] * rows[y * m + (x + d + m) % m];
      intensity[static_cast<std::size_t>(y * m + x)] = value;
    }
  }
}

}  // namespace flashphase::simulate
