#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/fft/fft2.h"
#include "engine/simulate/random.h"
#include "engine/simulate/recipe.h"

namespace flashphase::simulate {

/// Total of a noise-free pattern.
inline constexpr float kNoiseFreePhotons = 1e8f;

/// What was drawn for one pattern.
struct Exposure {
  bool noise_free = true;
  float photons = kNoiseFreePhotons;  ///< expected total before background and masks
  float background = 0;               ///< expected photons per pixel
  float beam_stop = 0;                ///< radius, px; 0 = none
  float offset_y = 0;                 ///< zero of Q lies at [m/2 + offset_y, m/2 + offset_x]
  float offset_x = 0;
  float coherence_blur = 0;  ///< sigma, px
};

/// Multiplies the object [n, n] by the phase ramp that moves its pattern of m = 2n pixels by (y, x) pixels.
/// The diffraction of the result is the exposed pattern: it, not the unshifted object, is the label where a
/// centre offset was drawn.
void apply_offset(std::span<std::complex<float>> object, int n, float y, float x);

/// From object to measured pattern: centre offset, diffraction, partial coherence, photons, background,
/// counting, masks.
///
/// Thread: one instance per thread (it owns scratch memory); cheap to make. No allocation in pattern().
class DetectorSimulator {
 public:
  explicit DetectorSimulator(
      const Recipe& recipe);  ///< Throws std::invalid_argument naming a key that does not fit.

  int pattern_size() const { return 2 * recipe_.object_size; }

  /// object [n, n] in any scale; intensity [m, m] in photons, zero of Q at [m/2, m/2], 0 where not measured;
  /// measured [m, m] 1 = measured. The result depends on recipe, object and seed alone.
  Exposure pattern(std::span<const std::complex<float>> object, std::uint64_t seed,
                   std::span<float> intensity, std::span<std::uint8_t> measured);

 private:
  Exposure draw_exposure(Random& random) const;
  void draw_mask(Random& random, float beam_stop, std::span<std::uint8_t> measured) const;
  void diffract(std::span<const std::complex<float>> object, const Exposure& exposure,
                std::span<float> intensity);
  void blur(float sigma, std::span<float> intensity);

  Recipe recipe_;
  fft::Fft2 fft_;
  fft::AlignedFloats re_;  // [m, m]
  fft::AlignedFloats im_;
  std::vector<float> taps_;                           // of the coherence blur
  std::vector<std::complex<float>> ramp_y_, ramp_x_;  // [n]
};

}  // namespace flashphase::simulate
