#pragma once

#include <cuda_runtime.h>

#include "engine/infer/cuda/projection.h"

namespace flashphase::infer::cuda {

/// Whether there is a kernel for patterns of m x m.
inline bool has_projection(int m) {
  return m == 32 || m == 64 || m == 128;
}

/// `count` projections, in order with the stream's other work.
cudaError_t launch_projection(int m, const ProjectionBatch& batch, int count, cudaStream_t stream);

}  // namespace flashphase::infer::cuda
