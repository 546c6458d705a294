#pragma once

#include <memory>

#include "engine/infer/checkpoint.h"

namespace flashphase::infer {

/// The network of a checkpoint on the CPU. See make_network.
std::unique_ptr<Network> make_cpu_network(const Checkpoint& checkpoint, const NetworkOptions& options);

}  // namespace flashphase::infer
