#pragma once

#include <string>

#include "engine/dataset/hdf5.h"

namespace flashphase::hdf5 {

/// What of an array in the file `path` HDF5 cannot read, though it would give zeros for it or a number for a
/// reason: one sentence, or empty. Looks at filters, at the sources of virtual arrays (through all levels),
/// at external storage.
std::string problem_of(const std::string& path, const Array& array);

}  // namespace flashphase::hdf5
