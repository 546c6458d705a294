#pragma once

#include <memory>
#include <string>

#include "engine/infer/network.h"

namespace flashphase::infer {

/// `flash` on the CPU from a checkpoint file. See make_network.
std::unique_ptr<Network> make_flash_network(const std::string& path, const NetworkOptions& options);

}  // namespace flashphase::infer
