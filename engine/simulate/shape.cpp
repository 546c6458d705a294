#include "engine/simulate/shape.h"

#include <algorithm>
#include <cmath>

#include "engine/simulate/vector_math.h"

namespace flashphase::simulate {
namespace {

/// Largest X + Y on X^(1/e)/x^(1/e) + Y^(1/e)/y^(1/e) = 1.
double largest_sum(double x, double y, double e) {
  if (e >= 1) return std::max(x, y);
  const double q = 1 / (1 - e);
  const double larger = std::max(x, y);
  return larger * std::pow(1 + std::pow(std::min(x, y) / larger, q), 1 - e);
}

float power(float magnitude, float exponent) {
  return fast_exp2(exponent * fast_log2(magnitude + 1e-12f));
}

/// Calls visit(z, y, begin x, end x) for the rows of voxels within `reach` of the origin, `border` voxels
/// left out.
template <class Visit>
void for_each_chord(int n, int border, float reach, Visit visit) {
  const int centre = n / 2;
  for (int z = border; z < n - border; ++z) {
    for (int y = border; y < n - border; ++y) {
      const auto distance = static_cast<float>((z - centre) * (z - centre) + (y - centre) * (y - centre));
      if (distance > reach * reach) continue;
      const int half = static_cast<int>(std::sqrt(reach * reach - distance));
      visit(z, y, std::max(border, centre - half), std::min(n - border, centre + half + 1));
    }
  }
}

}  // namespace

float Superellipsoid::circumscribed_radius() const {
  const double in_plane = largest_sum(double{a} * a, double{b} * b, e);
  return static_cast<float>(std::sqrt(largest_sum(in_plane, double{c} * c, n)));
}

float box_radius(int n, float edge_sigma) {
  return static_cast<float>(n / 2 - 1) - 2 * edge_sigma;
}

Rotation random_rotation(Random& random) {
  const float u = random.uniform();
  const float first = kFullTurn * random.uniform();
  const float second = kFullTurn * random.uniform();
  const float w = std::sqrt(u) * std::cos(second), x = std::sqrt(1 - u) * std::sin(first);
  const float y = std::sqrt(1 - u) * std::cos(first), z = std::sqrt(u) * std::sin(second);
  return {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
          2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
          2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
}

ShapeField::ShapeField(int n) : n_(n), scratch_(static_cast<std::size_t>(n) * n * n) {}

void ShapeField::fill(const Superellipsoid& shape, const Rotation& rotation, std::span<float> volume) {
  const float radius = shape.circumscribed_radius();
  evaluate(shape, rotation, radius + 2.5f);
  ramp(radius + 1.0f, volume);  // less than `evaluate` reached: the gradient needs the neighbours
}

// scratch_ = f = ([ |x/a|^(2/e) + |y/b|^(2/e) ]^(e/n) + |z/c|^(2/n))^(n/2) within `reach` of the origin. f
// grows linearly along every ray and is 1 on the surface.
void ShapeField::evaluate(const Superellipsoid& shape, const Rotation& rotation, float reach) {
  const float over_e = 2 / shape.e, e_over_n = shape.e / shape.n, over_n = 2 / shape.n, root = shape.n / 2;
  std::array<float, 9> r;
  for (std::size_t i = 0; i < 9; ++i) r[i] = rotation[i] / (i < 3 ? shape.a : i < 6 ? shape.b : shape.c);
  for_each_chord(n_, 0, reach, [&](int iz, int iy, int begin, int end) {
    const auto z = static_cast<float>(iz - n_ / 2), y = static_cast<float>(iy - n_ / 2);
    const float u0 = r[1] * y + r[2] * z, v0 = r[4] * y + r[5] * z, w0 = r[7] * y + r[8] * z;
    float* f = &scratch_[static_cast<std::size_t>((iz * n_ + iy) * n_)];
    for (int ix = begin; ix < end; ++ix) {
      const auto x = static_cast<float>(ix - n_ / 2);
      const float u = std::abs(r[0] * x + u0), v = std::abs(r[3] * x + v0), w = std::abs(r[6] * x + w0);
      const float in_plane = power(power(u, over_e) + power(v, over_e), e_over_n);
      f[ix] = power(in_plane + power(w, over_n), root);
    }
  });
}

// (1 - f) / |grad f| is the distance to the surface to first order.
void ShapeField::ramp(float reach, std::span<float> volume) {
  std::fill(volume.begin(), volume.end(), 0.0f);
  const int row = n_, plane = n_ * n_;
  for_each_chord(n_, 1, reach, [&](int iz, int iy, int begin, int end) {
    const float* f = &scratch_[static_cast<std::size_t>(iz * plane + iy * row)];
    float* inside = &volume[static_cast<std::size_t>(iz * plane + iy * row)];
    for (int ix = begin; ix < end; ++ix) {
      const float gx = f[ix + 1] - f[ix - 1], gy = f[ix + row] - f[ix - row],
                  gz = f[ix + plane] - f[ix - plane];
      const float gradient = 0.5f * std::sqrt(gx * gx + gy * gy + gz * gz) + 1e-6f;
      inside[ix] = std::min(1.0f, std::max(0.0f, 0.5f + (1 - f[ix]) / gradient));
    }
  });
}

void ShapeField::blur(float sigma, std::span<float> volume) {
  set_taps(sigma);
  std::fill(scratch_.begin(), scratch_.end(), 0.0f);
  blur_rows(volume, scratch_);
  std::fill(volume.begin(), volume.end(), 0.0f);
  blur_axis(n_, scratch_, volume);
  std::fill(scratch_.begin(), scratch_.end(), 0.0f);
  blur_axis(n_ * n_, volume, scratch_);
  std::copy(scratch_.begin(), scratch_.end(), volume.begin());
}

void ShapeField::set_taps(float sigma) {
  const int reach = std::min(n_ - 1, static_cast<int>(std::ceil(3.5f * sigma)));
  taps_.clear();
  float sum = 0;
  for (int d = -reach; d <= reach; ++d) {
    taps_.push_back(std::exp(-0.5f * static_cast<float>(d * d) / (sigma * sigma)));
    sum += taps_.back();
  }
  for (float& tap : taps_) tap /= sum;
}

void ShapeField::blur_rows(std::span<const float> in, std::span<float> out) const {
  const int reach = static_cast<int>(taps_.size()) / 2;
  for (int row = 0; row < n_ * n_; ++row) {
    const float* source = &in[static_cast<std::size_t>(row * n_)];
    float* target = &out[static_cast<std::size_t>(row * n_)];
    for (int d = -reach; d <= reach; ++d) {
      const float tap = taps_[static_cast<std::size_t>(d + reach)];
      const int begin = std::max(0, -d), end = std::min(n_, n_ - d);
      for (int i = begin; i < end; ++i) target[i] += tap * source[i + d];
    }
  }
}

void ShapeField::blur_axis(int stride, std::span<const float> in, std::span<float> out) const {
  const int reach = static_cast<int>(taps_.size()) / 2;
  const int block = n_ * stride;
  for (int base = 0; base < static_cast<int>(in.size()); base += block) {
    for (int line = 0; line < n_; ++line) {
      float* target = &out[static_cast<std::size_t>(base + line * stride)];
      for (int other = std::max(0, line - reach); other <= std::min(n_ - 1, line + reach); ++other) {
        const float tap = taps_[static_cast<std::size_t>(other - line + reach)];
        const float* source = &in[static_cast<std::size_t>(base + other * stride)];
        for (int i = 0; i < stride; ++i) target[i] += tap * source[i];
      }
    }
  }
}

}  // namespace flashphase::simulate
