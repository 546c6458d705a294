#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace flashphase::preprocess {

/// Per-pixel knowledge of one detector, row-major [height, width]. Empty vectors mean "all measured", "no
/// dark", "gain 1".
struct Calibration {
  int height = 0;  ///< 0 = fits any frame (then all vectors are empty)
  int width = 0;
  std::vector<std::uint8_t> measured;  ///< 1 = measured
  std::vector<float> dark;             ///< detector units, subtracted
  std::vector<float> gain;             ///< photons per detector unit, multiplied

  std::size_t measured_pixels() const;
};

/// Reads /mask [height, width] (see engine/dataset/mask.h) and, where present, /dark and /gain float32 of the
/// same shape from an HDF5 file. An empty path gives an empty calibration. Throws std::runtime_error with one
/// sentence.
std::shared_ptr<const Calibration> load_calibration(const std::string& path);

}  // namespace flashphase::preprocess
