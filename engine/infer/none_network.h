#pragma once

#include <memory>

#include "engine/infer/network.h"

namespace flashphase::infer {

/// The network "none": no model. The object is the central part of the autocorrelation's square root at phase
/// 0, a start for iterative refinement and a stand-in where only the pipeline matters.
std::unique_ptr<Network> make_none_network(int pattern_size);

}  // namespace flashphase::infer
