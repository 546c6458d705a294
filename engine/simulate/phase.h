#pragma once

#include <array>
#include <span>
#include <vector>

#include "engine/simulate/random.h"

namespace flashphase::simulate {

/// The particle is where its shape exceeds this.
inline constexpr float kInside = 0.01f;

/// Draws phases into n x n x n volumes [z, y, x]. One per thread (scratch memory).
class PhaseField {
 public:
  explicit PhaseField(int n) : n_(n) {}

  /// White noise convolved with the Gaussian exp(-2 sum_i (d_i / L_i)^2), in Fourier space exp(-sum_i k_i^2
  /// L_i^2 / 8) (Garcia & Stoll 1984): mean 0, variance 1, correlation exp(-sum_i (d_i / L_i)^2). `length` is
  /// L for z, y, x in px, > 0.
  ///
  /// The noise lives on a lattice with a spacing of one standard deviation of the kernel (L/2), which makes
  /// the field stationary to 1e-4, and reaches 3.5 of them beyond the volume.
  void correlated(Random& random, std::array<float, 3> length, std::span<float> phase);

  /// Voronoi cells of `domains` points in the ball of `radius` about the origin, each with one phase, uniform
  /// in
  /// [-span/2, span/2).
  void voronoi(Random& random, int domains, float radius, float span, std::span<float> phase);

 private:
  int n_;
  std::vector<float> noise_;                  // [nodes z, nodes y, nodes x]
  std::vector<float> rows_;                   // [nodes z, nodes y, n]
  std::vector<float> planes_;                 // [nodes z, n, n]
  std::array<std::vector<float>, 3> kernel_;  // per axis z, y, x [nodes, n]
  std::vector<float> nearest_;                // [n] squared distance to the nearest domain so far
};

/// Shifts and scales the phase so that it fills [-span/2, span/2] where shape > kInside.
void rescale_phase(std::span<const float> shape, float span, std::span<float> phase);

}  // namespace flashphase::simulate
