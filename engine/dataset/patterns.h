#pragma once

#include <cstdint>
#include <span>

#include "engine/dataset/dataset.h"
#include "engine/frame/pattern.h"

namespace flashphase {

/// The patterns of a dataset as networks and solvers take them: not measured what the mask says or is no
/// number, below zero is zero. A pattern without any measured pixel becomes one that is measured and dark.
PatternBatch patterns_of(const Dataset& dataset);

/// Whether there is anything to reconstruct in a pattern [m, m]: signal in two rows and two columns at least.
/// A dark pattern, a single photon, a line have none.
bool holds_image(std::span<const float> intensity, int m);

}  // namespace flashphase
