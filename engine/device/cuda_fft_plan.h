#pragma once

#include <cufft.h>

#include <string>

#include "engine/device/device_lost.h"

namespace flashphase::device {

/// As check_cuda.
inline void check_cufft(cufftResult result, const char* doing) {
  if (result == CUFFT_SUCCESS) return;
  const std::string sentence =
      std::string(doing) + ": cuFFT error " + std::to_string(static_cast<int>(result));
  if (result == CUFFT_ALLOC_FAILED) throw OutOfDeviceMemory(sentence);
  throw DeviceLost(sentence);
}

/// cuFFT of `planes` complex m x m planes side by side, on one stream. Unscaled both ways.
class FftPlan {
 public:
  FftPlan(int m, int planes, cudaStream_t stream) {
    int sizes[] = {m, m};
    check_cufft(cufftPlanMany(&plan_, 2, sizes, nullptr, 1, m * m, nullptr, 1, m * m, CUFFT_C2C, planes),
                "planning transforms");
    check_cufft(cufftSetStream(plan_, stream), "planning transforms");
  }
  FftPlan(const FftPlan&) = delete;
  FftPlan& operator=(const FftPlan&) = delete;
  ~FftPlan() { cufftDestroy(plan_); }

  /// `from` and `to` may be the same.
  template <class Complex>
  void transform(Complex* from, Complex* to, int direction) const {
    static_assert(sizeof(Complex) == sizeof(cufftComplex));
    check_cufft(cufftExecC2C(plan_, reinterpret_cast<cufftComplex*>(from),
                             reinterpret_cast<cufftComplex*>(to), direction),
                "starting transforms");
  }

 private:
  cufftHandle plan_ = 0;
};

}  // namespace flashphase::device
