#pragma once

#include <array>
#include <span>
#include <vector>

#include "engine/simulate/random.h"

namespace flashphase::simulate {

/// [ |x/a|^(2/e) + |y/b|^(2/e) ]^(e/n) + |z/c|^(2/n) <= 1, lengths in px.
struct Superellipsoid {
  float a = 1, b = 1, c = 1;
  float e = 1, n = 1;

  /// Radius of the smallest sphere about the origin that holds it (Hoelder's inequality).
  float circumscribed_radius() const;
};

/// Largest circumscribed radius that leaves room for the smooth edge in a box of n pixels.
float box_radius(int n, float edge_sigma);

using Rotation = std::array<float, 9>;  ///< row-major 3 x 3

/// Uniform over SO(3) (Shoemake 1992).
Rotation random_rotation(Random& random);

/// Draws shapes into n x n x n volumes [z, y, x] whose origin is voxel [n/2, n/2, n/2]. One per thread
/// (scratch memory).
class ShapeField {
 public:
  explicit ShapeField(int n);

  /// Share of each voxel inside the shape, 0..1, the edge ramped over one voxel across the surface.
  void fill(const Superellipsoid& shape, const Rotation& rotation, std::span<float> volume);

  /// Gaussian blur in place; zero outside the volume.
  void blur(float sigma, std::span<float> volume);

 private:
  void evaluate(const Superellipsoid& shape, const Rotation& rotation, float reach);
  void ramp(float reach, std::span<float> volume);
  void set_taps(float sigma);
  void blur_rows(std::span<const float> in, std::span<float> out) const;
  void blur_axis(int stride, std::span<const float> in, std::span<float> out) const;

  int n_;
  std::vector<float> scratch_;  // [n, n, n]
  std::vector<float> taps_;     // [2 reach + 1]
};

}  // namespace flashphase::simulate
