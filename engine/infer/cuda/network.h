#pragma once

#include <memory>

#include "engine/infer/checkpoint.h"

namespace flashphase::infer {

/// The network of a checkpoint on the GPU options.cuda_device. Each instance has streams and buffers of its
/// own, so that several on one GPU overlap. See make_network.
std::unique_ptr<Network> make_cuda_network(const Checkpoint& checkpoint, const NetworkOptions& options);

}  // namespace flashphase::infer
