#include "engine/device/cuda_devices.h"
#include "engine/device/device_lost.h"

namespace flashphase {
namespace {

constexpr const char* kNoCuda = "this build has no CUDA: build the preset cuda";

}  // namespace

CudaDevices cuda_devices() {
  return {{}, kNoCuda};
}

std::size_t free_cuda_memory(int) {
  throw DeviceUnusable(kNoCuda);
}

}  // namespace flashphase
