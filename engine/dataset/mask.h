#pragma once

#include <cstdint>
#include <vector>

#include "engine/dataset/hdf5.h"

namespace flashphase::hdf5 {

/// A mask of the file as 1 = measured, 0 = not: rows [first, first + count). It holds 1 (measured) and 0; or,
/// where the file says so, reasons of the CXI format (0 = good; 0x1 invalid, 0x2 saturated, ...; 0x10000,
/// inside the support, is none): by an attribute `convention` of the mask that is "cxi", or by /cxi_version.
/// Throws std::runtime_error for other types and values.
std::vector<std::uint8_t> read_mask(const InputFile& file, const Array& mask, std::size_t first,
                                    std::size_t count);

}  // namespace flashphase::hdf5
