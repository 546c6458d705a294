#pragma once

#include <memory>
#include <string>

#include "engine/infer/network.h"

namespace flashphase::infer {

/// `flash` on the GPU options.cuda_device. Each instance has streams and buffers of its own, so that several
/// on one GPU overlap. See make_network.
std::unique_ptr<Network> make_cuda_network(const std::string& path, const NetworkOptions& options);

}  // namespace flashphase::infer
