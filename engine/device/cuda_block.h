#pragma once

#include <cuda_runtime.h>

namespace flashphase::device {

/// A block of CUDA threads, as block.h describes blocks.
class DeviceBlock {
 public:
  template <class T>
  class PerThread {
   public:
    __device__ __forceinline__ explicit PerThread(const DeviceBlock&) {}
    __device__ __forceinline__ T& operator[](int) { return value_; }
    __device__ __forceinline__ const T& operator[](int) const { return value_; }

   private:
    T value_;
  };

  __device__ __forceinline__ int threads() const { return static_cast<int>(blockDim.x); }
  template <class Work>
  __device__ __forceinline__ void each(Work&& work) const {
    work(static_cast<int>(threadIdx.x));
  }
  __device__ __forceinline__ void sync() const { __syncthreads(); }
  __device__ __forceinline__ void sync_warps() const { __syncwarp(); }
  /// For normal numbers: what handles the others costs three instructions.
  __device__ __forceinline__ float inverse_root(float x) const {
    float root;
    asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(root) : "f"(x));
    return root;
  }
  __device__ __forceinline__ float cos_pi(float x) const { return cospif(x); }
  __device__ __forceinline__ float sin_pi(float x) const { return sinpif(x); }
  __device__ __forceinline__ int now_ms() const {
    long long now;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    return static_cast<int>(now >> 20);
  }
};

}  // namespace flashphase::device
