#pragma once

#include <memory>
#include <string>

#include "engine/frame/calibration.h"

namespace flashphase::preprocess {

/// Reads /mask [height, width] (see engine/dataset/mask.h) and, where present, /dark and /gain float32 of the
/// same shape from an HDF5 file. An empty path gives an empty calibration. Throws std::runtime_error with one
/// sentence.
std::shared_ptr<const Calibration> load_calibration(const std::string& path);

}  // namespace flashphase::preprocess
