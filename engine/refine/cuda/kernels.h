#pragma once

#include <cuda_runtime.h>

#include "engine/refine/cuda/batched.h"

namespace flashphase::refine::cuda {

/// Whether there is a fused kernel for patterns of m x m, and the device has the shared memory that it takes.
bool fused_kernel_fits(int device, int m);

/// One block for each of `jobs` starts. `is_plain` says what FlatSchedule::is_plain. Throws DeviceLost, and
/// std::invalid_argument for sizes without a fused kernel.
void launch_fused(int m, bool is_plain, const StartsOnDevice& starts, const Program& program, int jobs,
                  cudaStream_t stream);

/// The kernels of the batched path (batched.h) on a window. Throw DeviceLost.
void launch_load_starts(const BatchedWindow& window, cudaStream_t stream);
void launch_project(const BatchedWindow& window, bool wants_sums, cudaStream_t stream);
void launch_decide(const BatchedWindow& window, const Decision& decision, cudaStream_t stream);
void launch_update(const BatchedWindow& window, PixelOperation operation, const ProgramStep& step, bool keeps,
                   cudaStream_t stream);
void launch_smooth(const BatchedWindow& window, float width, cudaStream_t stream);
void launch_wrap(const BatchedWindow& window, const ShrinkWrap& rule, float part, int done,
                 cudaStream_t stream);
/// Writes active_jobs to `count`, which lies on the device.
void launch_count_active(const BatchedWindow& window, int* count, cudaStream_t stream);

}  // namespace flashphase::refine::cuda
