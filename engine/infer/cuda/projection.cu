#include "engine/device/cuda_block.h"
#include "engine/infer/cuda/launch.h"

namespace flashphase::infer::cuda {
namespace {

using device::Complex;
using device::DeviceBlock;
using device::PlaneFft;

template <int kSize>
__global__ void __launch_bounds__(PlaneFft<kSize>::kThreads) projection_kernel(const ProjectionBatch batch) {
  extern __shared__ __align__(16) unsigned char memory[];
  Complex* const plane = reinterpret_cast<Complex*>(memory);
  DeviceBlock block;
  ProjectionKernel<kSize, DeviceBlock, Complex*>(block, plane, plane + PlaneFft<kSize>::kElements, batch,
                                                 static_cast<int>(blockIdx.x))
      .run();
}

template <int kSize>
constexpr int kSharedBytes = sizeof(Complex) * (PlaneFft<kSize>::kElements + PlaneFft<kSize>::kTwists);

template <int kSize>
cudaError_t launch(const ProjectionBatch& batch, int count, cudaStream_t stream) {
  constexpr int bytes = kSharedBytes<kSize>;
  const cudaError_t error =
      cudaFuncSetAttribute(projection_kernel<kSize>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (error != cudaSuccess) return error;
  projection_kernel<kSize><<<static_cast<unsigned>(count), PlaneFft<kSize>::kThreads, bytes, stream>>>(batch);
  return cudaGetLastError();
}

}  // namespace

bool has_projection(int m) {
  const int wanted = m == 32    ? kSharedBytes<32>
                     : m == 64  ? kSharedBytes<64>
                     : m == 128 ? kSharedBytes<128>
                                : 0;
  int device = 0, most = 0;
  return wanted > 0 && cudaGetDevice(&device) == cudaSuccess &&
         cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device) == cudaSuccess &&
         wanted <= most;
}

cudaError_t launch_projection(int m, const ProjectionBatch& batch, int count, cudaStream_t stream) {
  if (m == 32) return launch<32>(batch, count, stream);
  if (m == 64) return launch<64>(batch, count, stream);
  return launch<128>(batch, count, stream);
}

}  // namespace flashphase::infer::cuda
