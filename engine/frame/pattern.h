#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/frame/frame.h"
#include "engine/frame/stage.h"

namespace flashphase {

/// What one look at a pattern tells; see Domain.
struct PatternSummary {
  float photons = 0;        ///< sum of the measured pixels
  double unmeasured = 0;    ///< fraction of pixels not measured; 1 only when none is measured
  float centre_offset = 0;  ///< centroid of sqrt(I) off [m/2, m/2], pixels
  float overflow = 0;       ///< of an object too large for the square (score::overflow); not of summary_of()
  bool unshifted = false;   ///< brightest about the corners: zero of Q seems to lie at [0, 0]
};

/// Sums of photons that can be worked with in single precision; below there is no signal.
inline constexpr float kLeastPhotons = 1e-20f, kMostPhotons = 1e30f;

/// Of a pattern [m, m] as Pattern holds it (0 where not measured).
PatternSummary summary_of(std::span<const float> intensity, std::span<const std::uint8_t> measured, int m);

/// A preprocessed frame: a square pattern with zero of Q at pixel [size/2, size/2].
struct Pattern {
  FrameId id;
  Clock::time_point arrival;
  std::uint64_t timestamp_ns = 0;
  int size = 0;                        ///< m
  std::vector<float> intensity;        ///< [m, m] photons, >= 0 and finite; 0 where not measured
  std::vector<std::uint8_t> measured;  ///< [m, m] 1 = measured, 0 = masked, gap, beam stop, NaN
  PatternSummary summary;              ///< of these two
  float hit_score = 0;                 ///< lit pixels (see engine/select)
  float noise_residual = 0;            ///< that counting noise leaves of the true object (see engine/score)
  StageTimes times;
};

/// Patterns side by side, contiguous, as networks and solvers take them.
struct PatternBatch {
  int count = 0;                       ///< B
  int size = 0;                        ///< m
  std::vector<float> intensity;        ///< [B, m, m]
  std::vector<std::uint8_t> measured;  ///< [B, m, m]

  PatternBatch() = default;
  PatternBatch(int batch, int m)
      : count(batch), size(m), intensity(cells()), measured(cells(), std::uint8_t{1}) {}

  std::size_t cells() const { return static_cast<std::size_t>(count) * pattern_cells(); }
  std::size_t pattern_cells() const {
    return static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  }
  std::span<const float> intensity_of(int index) const {
    return {intensity.data() + static_cast<std::size_t>(index) * pattern_cells(), pattern_cells()};
  }
  std::span<const std::uint8_t> measured_of(int index) const {
    return {measured.data() + static_cast<std::size_t>(index) * pattern_cells(), pattern_cells()};
  }
};

}  // namespace flashphase
