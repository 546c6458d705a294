#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace flashphase::tools {

/// A support that the user gives: one for all frames or one for each.
struct SupportFile {
  std::vector<std::uint8_t> inside;  ///< [n, n] or [N, n, n]
  bool per_frame = false;
  int size = 0;  ///< n

  std::span<const std::uint8_t> of(int frame) const;
};

/// HDF5: /support, integers or booleans, not 0 = inside, [size, size] or [frames, size, size]. Throws
/// std::runtime_error naming the file when it cannot be read and std::invalid_argument when it does not fit:
/// another shape, no pixel inside.
SupportFile read_support(const std::string& path, int frames, int size);

}  // namespace flashphase::tools
