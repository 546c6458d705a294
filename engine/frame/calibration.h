#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace flashphase {

/// Per-pixel knowledge of one detector, row-major [height, width]. Empty vectors mean "all measured", "no
/// dark", "gain 1".
struct Calibration {
  int height = 0;  ///< 0 = fits any frame (then all vectors are empty)
  int width = 0;
  std::vector<std::uint8_t> measured;  ///< 1 = measured
  std::vector<float> dark;             ///< detector units, subtracted
  std::vector<float> gain;             ///< photons per detector unit, multiplied

  std::size_t measured_pixels() const { return static_cast<std::size_t>(std::ranges::count(measured, 1)); }
};

}  // namespace flashphase
