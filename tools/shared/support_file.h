#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/dataset/hdf5.h"

namespace flashphase::tools {

/// A support that the user gives, one for all frames or one for each. HDF5: /support, integers or booleans,
/// not 0 = inside, [size, size] or [frames, size, size]. Thread: one at a time.
class SupportFile {
 public:
  /// Throws std::runtime_error naming the file when it cannot be read and std::invalid_argument when its
  /// shape or type does not fit.
  SupportFile(const std::string& path, std::size_t frames, int size);

  /// [frames, size, size], 1 = inside. Throws std::invalid_argument when there is no pixel inside.
  std::vector<std::uint8_t> of(std::span<const int> frames) const;

 private:
  std::vector<std::uint8_t> read(std::size_t first) const;

  hdf5::InputFile file_;
  hdf5::Array support_;
  bool per_frame_ = false;
  std::vector<std::uint8_t> common_;
};

}  // namespace flashphase::tools
