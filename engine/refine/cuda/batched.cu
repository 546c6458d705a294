#include "engine/device/cuda_block.h"
#include "engine/device/cuda_resources.h"
#include "engine/refine/cuda/kernels.h"

namespace flashphase::refine::cuda {
namespace {

constexpr int kJobThreads = 512;

__global__ void __launch_bounds__(kJobThreads)
    load_starts_kernel(const __grid_constant__ BatchedWindow window) {
  __shared__ float scratch[kJobThreads];
  DeviceBlock block;
  load_start(block, window, static_cast<int>(blockIdx.x), static_cast<float*>(scratch));
}

template <bool kBounded>
__global__ void __launch_bounds__(kTileThreads)
    project_kernel(const __grid_constant__ BatchedWindow window, bool wants_sums) {
  __shared__ float scratch[3 * kTileThreads];
  DeviceBlock block;
  project_tile<kBounded>(block, window, static_cast<int>(blockIdx.y), static_cast<int>(blockIdx.x),
                         wants_sums, static_cast<float*>(scratch));
}

__global__ void __launch_bounds__(kTileThreads)
    decide_kernel(const __grid_constant__ BatchedWindow window, const __grid_constant__ Decision decision) {
  const int job = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (job < window.jobs) decide(window, job, decision);
}

__global__ void __launch_bounds__(kTileThreads)
    update_kernel(const __grid_constant__ BatchedWindow window, PixelOperation operation,
                  const __grid_constant__ ProgramStep step, bool keeps) {
  update_tile(window, static_cast<int>(blockIdx.y), static_cast<int>(blockIdx.x),
              static_cast<int>(threadIdx.x), operation, step, keeps);
}

__global__ void __launch_bounds__(kTileThreads)
    smooth_kernel(const __grid_constant__ BatchedWindow window, float width) {
  smooth_tile(window, static_cast<int>(blockIdx.y), static_cast<int>(blockIdx.x),
              static_cast<int>(threadIdx.x), width);
}

__global__ void __launch_bounds__(kJobThreads)
    wrap_kernel(const __grid_constant__ BatchedWindow window, const __grid_constant__ ShrinkWrap rule,
                float part, int done) {
  __shared__ float scratch[kJobThreads];
  DeviceBlock block;
  wrap_job(block, window, static_cast<int>(blockIdx.x), rule, part, done, static_cast<float*>(scratch));
}

__global__ void __launch_bounds__(kTileThreads)
    count_active_kernel(const __grid_constant__ BatchedWindow window, int* count) {
  __shared__ float scratch[kTileThreads];
  DeviceBlock block;
  const int active = active_jobs(block, window, static_cast<float*>(scratch));
  if (threadIdx.x == 0) *count = active;
}

dim3 tile_grid(const BatchedWindow& window) {
  return {static_cast<unsigned>(tiles_of(window.cells())), static_cast<unsigned>(window.jobs)};
}

void check_launch() {
  check_cuda(cudaGetLastError(), "launch of a kernel");
}

}  // namespace

void launch_load_starts(const BatchedWindow& window, cudaStream_t stream) {
  load_starts_kernel<<<static_cast<unsigned>(window.jobs), kJobThreads, 0, stream>>>(window);
  check_launch();
}

void launch_project(const BatchedWindow& window, bool wants_sums, cudaStream_t stream) {
  const auto kernel = window.bounded ? project_kernel<true> : project_kernel<false>;
  kernel<<<tile_grid(window), kTileThreads, 0, stream>>>(window, wants_sums);
  check_launch();
}

void launch_decide(const BatchedWindow& window, const Decision& decision, cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>((window.jobs + kTileThreads - 1) / kTileThreads);
  decide_kernel<<<blocks, kTileThreads, 0, stream>>>(window, decision);
  check_launch();
}

void launch_update(const BatchedWindow& window, PixelOperation operation, const ProgramStep& step, bool keeps,
                   cudaStream_t stream) {
  update_kernel<<<tile_grid(window), kTileThreads, 0, stream>>>(window, operation, step, keeps);
  check_launch();
}

void launch_smooth(const BatchedWindow& window, float width, cudaStream_t stream) {
  smooth_kernel<<<tile_grid(window), kTileThreads, 0, stream>>>(window, width);
  check_launch();
}

void launch_wrap(const BatchedWindow& window, const ShrinkWrap& rule, float part, int done,
                 cudaStream_t stream) {
  wrap_kernel<<<static_cast<unsigned>(window.jobs), kJobThreads, 0, stream>>>(window, rule, part, done);
  check_launch();
}

void launch_count_active(const BatchedWindow& window, int* count, cudaStream_t stream) {
  count_active_kernel<<<1, kTileThreads, 0, stream>>>(window, count);
  check_launch();
}

}  // namespace flashphase::refine::cuda
