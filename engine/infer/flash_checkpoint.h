#pragma once

#include <cstdint>
#include <memory>

#include "engine/infer/checkpoint.h"
#include "engine/infer/flash_options.h"

namespace flashphase::infer {

class FlashModule;

/// A network with random weights.
std::shared_ptr<FlashModule> make_flash_module(const FlashOptions& options, std::uint64_t seed);

/// Copies the module's sizes and weights into the checkpoint.
void store_module(const FlashModule& module, Checkpoint& checkpoint);

/// The module a checkpoint describes, weights in float32. Throws std::runtime_error with one sentence when
/// kind, sizes or tensors do not fit this program's `flash`.
std::shared_ptr<FlashModule> module_from(const Checkpoint& checkpoint);

}  // namespace flashphase::infer
