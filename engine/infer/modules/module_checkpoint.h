#pragma once

#include <cstdint>
#include <memory>

#include "engine/infer/checkpoint.h"
#include "engine/infer/modules/flash_options.h"
#include "engine/infer/modules/wu2021_options.h"

namespace flashphase::infer {

class NetworkModule;

/// Networks with random weights.
std::shared_ptr<NetworkModule> make_flash_module(const FlashOptions& options, std::uint64_t seed);
std::shared_ptr<NetworkModule> make_wu2021_module(const Wu2021Options& options, std::uint64_t seed);

/// Copies the module's kind, sizes and state into the checkpoint.
void store_module(const NetworkModule& module, Checkpoint& checkpoint);

/// The module a checkpoint describes, weights in float32. Throws std::runtime_error with one sentence when
/// kind, sizes or tensors do not fit the networks of this program.
std::shared_ptr<NetworkModule> module_from(const Checkpoint& checkpoint);

}  // namespace flashphase::infer
