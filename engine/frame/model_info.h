#pragma once

#include <string>

#include "engine/frame/domain.h"

namespace flashphase {

/// What a network says of itself.
struct ModelInfo {
  std::string name;       ///< e.g. "flash-16"; "none" for the autocorrelation start
  std::string hash;       ///< SHA-256 of the file's weights and metadata, hex; empty for "none"
  int pattern_size = 64;  ///< m
  int object_size = 32;   ///< n
  bool oriented = true;   ///< whether the answer to a turned pattern is another than the turned answer
  Domain domain{};
};

}  // namespace flashphase
