#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/refine/cuda/runner.h"

namespace flashphase::refine::cuda {

struct EmulatedOptions {
  /// Shared memory keeps a record of who touched what, and the first race throws std::logic_error (slow).
  bool finds_races = false;
  /// The barrier of each block that is left out, counted as they come from 0; -1 = none.
  int dropped_barrier = -1;
  /// Where EmulatedBlock::barriers of the last block goes.
  std::vector<std::string>* barriers = nullptr;
  /// Frames a slot has room for.
  int room = 3;
};

/// The fused kernels in emulated blocks, one after the other. Throws std::invalid_argument for sizes not
/// among AllFusedSizes.
std::unique_ptr<Runner> make_emulated_fused_runner(const EmulatedOptions& options = {});

/// The batched driver and kernels in emulated blocks, with Fft2 in place of cuFFT. Any size.
std::unique_ptr<Runner> make_emulated_batched_runner(const EmulatedOptions& options = {});

}  // namespace flashphase::refine::cuda
