#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/simulate/phase.h"
#include "engine/simulate/random.h"
#include "engine/simulate/recipe.h"
#include "engine/simulate/shape.h"

namespace flashphase::simulate {

/// Sum along z of shape * exp(i phase), both [n, n, n] as [z, y, x]; object [n, n].
void project(std::span<const float> shape, std::span<const float> phase, int n,
             std::span<std::complex<float>> object);

/// Simulated single particles (the project's physics notes, "Simulated particles"): a rotated superellipsoid
/// with smooth edges and a phase in its volume, projected along the beam.
///
/// Thread: one instance per thread (it owns scratch memory, 1 MB for n = 32); cheap to make.
class ParticleSimulator {
 public:
  explicit ParticleSimulator(
      const Recipe& recipe);  ///< Throws std::invalid_argument naming a key that does not fit.

  int object_size() const { return recipe_.object_size; }

  /// The complex projection [n, n], maximum amplitude 1, amplitude centroid within half a pixel of [n/2,
  /// n/2]. The result depends on recipe and seed alone.
  void object(std::uint64_t seed, std::span<std::complex<float>> out);
  std::vector<std::complex<float>> object(std::uint64_t seed);

 private:
  void draw_shape(Random& random);
  void draw_phase(Random& random);

  Recipe recipe_;
  ShapeField shape_field_;
  PhaseField phase_field_;
  float radius_ = 0;                            // of the sphere around the particle drawn last
  std::vector<float> shape_;                    // [n, n, n]
  std::vector<float> phase_;                    // [n, n, n]
  std::vector<std::complex<float>> projected_;  // [n, n]
};

}  // namespace flashphase::simulate
