#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <vector>

#include "engine/device/cuda_devices.h"
#include "tools/programs/bench/cuda_ceilings.h"

namespace flashphase::tools {
namespace {

constexpr int kThreads = 256;
constexpr int kBlocksPerMultiprocessor = 8;
constexpr int kRounds = 4096;
constexpr int kMatrix = 8192;
constexpr std::size_t kCopyBytes = std::size_t{256} << 20;

void check(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

void check(cublasStatus_t status) {
  if (status != CUBLAS_STATUS_SUCCESS) throw std::runtime_error(cublasGetStatusString(status));
}

struct Free {
  void operator()(void* block) const { cudaFree(block); }
};
template <class T>
using Block = std::unique_ptr<T, Free>;

template <class T>
Block<T> take(std::size_t count) {
  void* data = nullptr;
  check(cudaMalloc(&data, count * sizeof(T)));
  return Block<T>(static_cast<T*>(data));
}

/// Median of the seconds that one of `repeats` calls of `work` takes on the device.
template <class Work>
double seconds_of(int repeats, Work work) {
  constexpr int kRuns = 9;
  cudaEvent_t start, end;
  check(cudaEventCreate(&start));
  check(cudaEventCreate(&end));
  std::vector<float> milliseconds;
  for (int run = -2; run < kRuns; ++run) {  // the first two warm up
    check(cudaEventRecord(start));
    for (int i = 0; i < repeats; ++i) work();
    check(cudaEventRecord(end));
    check(cudaEventSynchronize(end));
    check(cudaGetLastError());
    float passed = 0;
    check(cudaEventElapsedTime(&passed, start, end));
    if (run >= 0) milliseconds.push_back(passed);
  }
  check(cudaEventDestroy(start));
  check(cudaEventDestroy(end));
  std::nth_element(milliseconds.begin(), milliseconds.begin() + kRuns / 2, milliseconds.end());
  return 1e-3 * static_cast<double>(milliseconds[kRuns / 2]) / repeats;
}

__global__ void nothing() {}

/// Numbers in [-1, 1): products of zeros or of equal numbers run faster than real ones.
__global__ void fill(__nv_bfloat16* out, unsigned count, unsigned seed) {
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    unsigned mixed = (i ^ seed) * 2654435761u;
    mixed = (mixed ^ (mixed >> 15)) * 2246822519u;
    out[i] = __float2bfloat16(static_cast<float>(mixed >> 8) / 8388608.0f - 1);
  }
}

/// Eight independent chains a thread, so that no multiply-add waits for another.
__global__ void multiply_add(float* out, float factor) {
  float chain[8];
  for (int c = 0; c < 8; ++c) chain[c] = static_cast<float>(threadIdx.x + static_cast<unsigned>(c));
  for (int round = 0; round < kRounds; ++round)
#pragma unroll
    for (int c = 0; c < 8; ++c) chain[c] = fmaf(chain[c], factor, 1.0f);
  float sum = 0;
  for (int c = 0; c < 8; ++c) sum += chain[c];
  if (sum == -1) out[0] = sum;  // never: keeps the work
}

__global__ void read_shared(float* out) {
  __shared__ float4 words[1024];
  for (unsigned i = threadIdx.x; i < 1024; i += kThreads)
    words[i] = make_float4(1, 2, 3, static_cast<float>(i));
  __syncthreads();
  float4 sum = make_float4(0, 0, 0, 0);
#pragma unroll 8
  for (unsigned round = 0; round < kRounds; ++round) {
    const float4 word = words[(threadIdx.x + round * 32) % 1024];
    sum.x += word.x;
    sum.y += word.y;
    sum.z += word.z;
    sum.w += word.w;
  }
  if (sum.x + sum.y + sum.z + sum.w == -1) out[0] = sum.x;  // never
}

double copy_bytes_per_second() {
  const auto from = take<char>(kCopyBytes), to = take<char>(kCopyBytes);
  check(cudaMemset(from.get(), 1, kCopyBytes));
  const double seconds = seconds_of(
      20, [&] { check(cudaMemcpyAsync(to.get(), from.get(), kCopyBytes, cudaMemcpyDeviceToDevice)); });
  return 2.0 * kCopyBytes / seconds;
}

double host_copy_bytes_per_second() {
  const auto to = take<char>(kCopyBytes);
  void* from = nullptr;
  check(cudaMallocHost(&from, kCopyBytes));
  const double seconds =
      seconds_of(2, [&] { check(cudaMemcpyAsync(to.get(), from, kCopyBytes, cudaMemcpyHostToDevice)); });
  check(cudaFreeHost(from));
  return kCopyBytes / seconds;
}

double matrix_flops() {
  constexpr std::size_t kCount = std::size_t{kMatrix} * kMatrix;
  const auto a = take<__nv_bfloat16>(kCount), b = take<__nv_bfloat16>(kCount),
             c = take<__nv_bfloat16>(kCount);
  fill<<<1024, kThreads>>>(a.get(), kCount, 1);
  fill<<<1024, kThreads>>>(b.get(), kCount, 2);
  cublasHandle_t handle;
  check(cublasCreate(&handle));
  const float one = 1, zero = 0;
  const double seconds = seconds_of(3, [&] {
    check(cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, kMatrix, kMatrix, kMatrix, &one, a.get(),
                       CUDA_R_16BF, kMatrix, b.get(), CUDA_R_16BF, kMatrix, &zero, c.get(), CUDA_R_16BF,
                       kMatrix, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
  });
  check(cublasDestroy(handle));
  return 2.0 * kMatrix * kMatrix * kMatrix / seconds;
}

}  // namespace

CudaCeilings measure_cuda_ceilings(int device) {
  const CudaDevice properties = require_cuda_device(device, std::size_t{1} << 30);
  check(cudaSetDevice(device));
  CudaCeilings found;
  check(cudaRuntimeGetVersion(&found.cuda_runtime));
  check(cudaDriverGetVersion(&found.cuda_driver));
  found.copy_bytes = copy_bytes_per_second();
  found.host_copy_bytes = host_copy_bytes_per_second();
  found.matrix_flops = matrix_flops();
  const auto blocks = static_cast<unsigned>(properties.multiprocessors * kBlocksPerMultiprocessor);
  const double threads = static_cast<double>(blocks) * kThreads;
  const auto out = take<float>(1);
  found.fp32_flops =
      threads * kRounds * 8 * 2 / seconds_of(4, [&] { multiply_add<<<blocks, kThreads>>>(out.get(), 0.5f); });
  found.shared_memory_bytes = threads * kRounds * sizeof(float4) /
                              seconds_of(4, [&] { read_shared<<<blocks, kThreads>>>(out.get()); });
  found.launch_seconds = seconds_of(1000, [&] { nothing<<<1, 1>>>(); });
  return found;
}

}  // namespace flashphase::tools
