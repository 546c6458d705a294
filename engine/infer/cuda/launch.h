#pragma once

#include <cuda_runtime.h>

#include "engine/infer/cuda/projection.h"

namespace flashphase::infer::cuda {

/// Whether there is a kernel for patterns of m x m, and the current device has the shared memory for it: at
/// 128 pixels it wants 131 KiB and more, of which GPUs of compute capability 8.6, 8.9 and 12.0 have 99.
bool has_projection(int m);

/// `count` projections, in order with the stream's other work.
cudaError_t launch_projection(int m, const ProjectionBatch& batch, int count, cudaStream_t stream);

}  // namespace flashphase::infer::cuda
