#pragma once

#include <cufft.h>

#include "engine/refine/cuda_device.h"

namespace flashphase::refine::cuda {

inline void check(cufftResult result, const char* what) {
  if (result == CUFFT_SUCCESS) return;
  if (result == CUFFT_ALLOC_FAILED) throw OutOfDeviceMemory();
  throw DeviceLost(std::string("refine: ") + what + ": cuFFT error " +
                   std::to_string(static_cast<int>(result)));
}

/// cuFFT of `planes` complex m x m planes side by side, on one stream. Unscaled both ways.
class FftPlan {
 public:
  FftPlan(int m, int planes, cudaStream_t stream) {
    int sizes[] = {m, m};
    check(cufftPlanMany(&plan_, 2, sizes, nullptr, 1, m * m, nullptr, 1, m * m, CUFFT_C2C, planes), "plan");
    check(cufftSetStream(plan_, stream), "plan");
  }
  FftPlan(const FftPlan&) = delete;
  FftPlan& operator=(const FftPlan&) = delete;
  ~FftPlan() { cufftDestroy(plan_); }

  /// `from` and `to` may be the same.
  template <class Complex>
  void transform(Complex* from, Complex* to, int direction) const {
    static_assert(sizeof(Complex) == sizeof(cufftComplex));
    check(cufftExecC2C(plan_, reinterpret_cast<cufftComplex*>(from), reinterpret_cast<cufftComplex*>(to),
                       direction),
          "transform");
  }

 private:
  cufftHandle plan_ = 0;
};

}  // namespace flashphase::refine::cuda
