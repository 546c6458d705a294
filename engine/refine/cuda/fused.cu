#include <algorithm>

#include "engine/device/cuda_block.h"
#include "engine/device/cuda_resources.h"
#include "engine/refine/cuda/fused.h"
#include "engine/refine/cuda/fused_sizes.h"
#include "engine/refine/cuda/kernels.h"

namespace flashphase::refine::cuda {
namespace {

/// Blocks that a multiprocessor is to hold at once, which bounds the registers of a thread: it needs two for
/// each of its pixels and about 48 for all else.
template <int kSize>
constexpr int kResident = 65536 / (PlaneFft<kSize>::kThreads *
                                   (2 * PlaneFft<kSize>::kStridedGroups * PlaneFft<kSize>::kFirst + 48));

template <int kSize, bool kGeneral>
struct SharedLayout {
  using Kernel = FusedKernel<kSize, kGeneral, DeviceBlock, Complex*, float*>;
  static constexpr int kPlane = PlaneFft<kSize>::kElements;
  static constexpr int kModulus = Kernel::Plane::kRoomy ? kSize * kSize : 0;
  static constexpr int kLast = Kernel::Plane::kRoomy ? Kernel::Plane::kLast : 0;
  static constexpr std::size_t kBytes = sizeof(Complex) * (kPlane + PlaneFft<kSize>::kTwists + kLast) +
                                        sizeof(float) * (kModulus + Kernel::Plane::kScratch);
};

template <int kSize, bool kGeneral>
__global__ void __launch_bounds__(PlaneFft<kSize>::kThreads, kResident<kSize>)
    fused_kernel(const __grid_constant__ StartsOnDevice starts, const __grid_constant__ Program program) {
  using Layout = SharedLayout<kSize, kGeneral>;
  extern __shared__ __align__(16) unsigned char memory[];
  Complex* plane = reinterpret_cast<Complex*>(memory);
  Complex* last = plane + Layout::kPlane + PlaneFft<kSize>::kTwists;
  float* modulus = reinterpret_cast<float*>(last + Layout::kLast);
  const FusedShared<Complex*, float*> shared{.plane = plane,
                                             .workspace = reinterpret_cast<float*>(plane),
                                             .twists = plane + Layout::kPlane,
                                             .modulus = modulus,
                                             .last = last,
                                             .scratch = modulus + Layout::kModulus};
  DeviceBlock block;
  typename Layout::Kernel(block, shared, starts, program, static_cast<int>(blockIdx.x)).run();
}

template <int kSize, bool kGeneral>
void launch(const StartsOnDevice& starts, const Program& program, int jobs, cudaStream_t stream) {
  constexpr std::size_t bytes = SharedLayout<kSize, kGeneral>::kBytes;
  const auto kernel = fused_kernel<kSize, kGeneral>;
  check_cuda(
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
      "shared memory of a fused kernel");
  kernel<<<static_cast<unsigned>(jobs), PlaneFft<kSize>::kThreads, bytes, stream>>>(starts, program);
  check_cuda(cudaGetLastError(), "launch of a fused kernel");
}

}  // namespace

bool fused_kernel_fits(int device, int m) {
  if (!AllFusedSizes::has(m)) return false;
  int most = 0;
  check_cuda(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
             "asking the GPU");
  bool fits = false;
  with_fused_size(m, [&](auto size) {
    fits = std::max(SharedLayout<size, false>::kBytes, SharedLayout<size, true>::kBytes) <=
           static_cast<std::size_t>(most);
  });
  return fits;
}

void launch_fused(int m, bool is_plain, const StartsOnDevice& starts, const Program& program, int jobs,
                  cudaStream_t stream) {
  with_fused_kernel(m, is_plain,
                    [&](auto size, auto general) { launch<size, general>(starts, program, jobs, stream); });
}

}  // namespace flashphase::refine::cuda
