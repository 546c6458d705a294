#pragma once

#include <cstdint>
#include <span>

namespace flashphase::refine {

/// Adds the four neighbours of every pixel of a support [n, n].
void grow_by_one(std::span<std::uint8_t> support, int n);

}  // namespace flashphase::refine
