#include "engine/simulate/particle.h"

#include <algorithm>
#include <cmath>

#include "engine/simulate/vector_math.h"

namespace flashphase::simulate {
namespace {

constexpr std::uint64_t kStream = 1;
constexpr int kTries = 100;

constexpr float kCutOff = 0.01f;  // of the maximum amplitude: what may be lost outside the box by centring

/// Whole pixels.
struct Shift {
  int y = 0;
  int x = 0;
};

/// From the amplitude centroid to [n/2, n/2].
Shift to_centre(std::span<const std::complex<float>> image, int n) {
  double sum = 0, sum_y = 0, sum_x = 0;
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      const auto amplitude =
          static_cast<double>(std::sqrt(std::norm(image[static_cast<std::size_t>(y * n + x)])));
      sum += amplitude;
      sum_y += amplitude * (n / 2 - y);
      sum_x += amplitude * (n / 2 - x);
    }
  }
  if (!(sum > 0)) return {};
  return {static_cast<int>(std::lround(sum_y / sum)), static_cast<int>(std::lround(sum_x / sum))};
}

/// Puts the image into the middle and scales it to a maximum amplitude of 1. Returns false when that cuts a
/// part off.
bool centre(std::span<const std::complex<float>> image, int n, std::span<std::complex<float>> out) {
  const Shift shift = to_centre(image, n);
  float kept = 0, lost = 0;
  std::fill(out.begin(), out.end(), std::complex<float>{});
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      const auto value = image[static_cast<std::size_t>(y * n + x)];
      const int to_y = y + shift.y, to_x = x + shift.x;
      const bool inside = to_y >= 0 && to_y < n && to_x >= 0 && to_x < n;
      float& largest = inside ? kept : lost;
      largest = std::max(largest, std::norm(value));
      if (inside) out[static_cast<std::size_t>(to_y * n + to_x)] = value;
    }
  }
  if (kept > 0) {
    const float scale = 1 / std::sqrt(kept);
    for (auto& value : out) value *= scale;
  }
  return lost <= kCutOff * kCutOff * kept;
}

}  // namespace

void project(std::span<const float> shape, std::span<const float> phase, int n,
             std::span<std::complex<float>> object) {
  const auto width = static_cast<std::size_t>(n);
  std::vector<float> re(width), im(width);
  for (std::size_t y = 0; y < width; ++y) {
    std::fill(re.begin(), re.end(), 0.0f);
    std::fill(im.begin(), im.end(), 0.0f);
    for (std::size_t z = 0; z < width; ++z) {
      const float* s = &shape[(z * width + y) * width];
      const float* phi = &phase[(z * width + y) * width];
      float* real = re.data();
      float* imaginary = im.data();
      for (std::size_t x = 0; x < width; ++x) {
        float sine, cosine;
        fast_sincos(phi[x], sine, cosine);
        real[x] += s[x] * cosine;
        imaginary[x] += s[x] * sine;
      }
    }
    for (std::size_t x = 0; x < width; ++x) object[y * width + x] = {re[x], im[x]};
  }
}

ParticleSimulator::ParticleSimulator(const Recipe& recipe)
    : recipe_(validate(recipe)), shape_field_(recipe.object_size), phase_field_(recipe.object_size) {
  const auto n = static_cast<std::size_t>(recipe.object_size);
  shape_.resize(n * n * n);
  phase_.resize(n * n * n);
  projected_.resize(n * n);
}

void ParticleSimulator::draw_shape(Random& random) {
  const float sigma = random.uniform(recipe_.edge_sigma);
  const float room = box_radius(recipe_.object_size, sigma);
  Superellipsoid shape;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    shape = {random.uniform(recipe_.semi_axis), random.uniform(recipe_.semi_axis),
             random.uniform(recipe_.semi_axis), random.uniform(recipe_.exponent),
             random.uniform(recipe_.exponent)};
    if (shape.circumscribed_radius() <= room) break;
  }
  const float excess = shape.circumscribed_radius() / room;
  if (excess > 1) shape.a /= excess, shape.b /= excess, shape.c /= excess;
  radius_ = shape.circumscribed_radius();
  shape_field_.fill(shape, random_rotation(random), shape_);
  shape_field_.blur(sigma, shape_);
}

void ParticleSimulator::draw_phase(Random& random) {
  const float span = random.uniform(recipe_.phase_span);
  if (random.chance(recipe_.voronoi_fraction)) {
    phase_field_.voronoi(random, random.whole(recipe_.voronoi_domains), radius_, span, phase_);
    return;
  }
  const auto length = [&] { return random.uniform(recipe_.phase_length); };
  const float z = length(), y = length(), x = length();
  phase_field_.correlated(random, {z, y, x}, phase_);
  rescale_phase(shape_, span, phase_);
}

void ParticleSimulator::object(std::uint64_t seed, std::span<std::complex<float>> out) {
  Random random(seed, kStream);
  const int n = recipe_.object_size;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    draw_shape(random);
    draw_phase(random);
    project(shape_, phase_, n, projected_);
    if (centre(projected_, n, out)) return;
  }
}

std::vector<std::complex<float>> ParticleSimulator::object(std::uint64_t seed) {
  std::vector<std::complex<float>> out(projected_.size());
  object(seed, out);
  return out;
}

}  // namespace flashphase::simulate
