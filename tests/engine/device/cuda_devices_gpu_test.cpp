#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/device/cuda_devices.h"
#include "engine/device/device_lost.h"

namespace flashphase {
namespace {

TEST(CudaDevicesOnAGpu, TheFirstDeviceOpensAndHasFreeMemory) {
  if (const auto found = cuda_devices(); found.devices.empty()) GTEST_SKIP() << found.problem;
  const CudaDevice device = require_cuda_device(0, 1);
  EXPECT_GE(device.major, 8);
  EXPECT_GT(free_cuda_memory(0), 0u);
  EXPECT_LE(free_cuda_memory(0), device.memory);
  EXPECT_THROW(require_cuda_device(0, device.memory + 1), DeviceUnusable);
}

}  // namespace
}  // namespace flashphase
