#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/device/cuda_devices.h"
#include "engine/device/device_lost.h"
#include "tests/engine/device/needs_gpu.h"

namespace flashphase {
namespace {

TEST(CudaDevicesOnAGpu, TheFirstDeviceOpensAndHasFreeMemory) {
  if (const std::string missing = why_no_gpu(); !missing.empty()) GTEST_SKIP() << missing;
  const CudaDevice device = require_cuda_device(0, 1);
  EXPECT_GE(device.major, 8);
  EXPECT_GT(free_cuda_memory(0), 0u);
  EXPECT_LE(free_cuda_memory(0), device.memory);
  EXPECT_THROW(require_cuda_device(0, device.memory + 1), DeviceUnusable);
}

}  // namespace
}  // namespace flashphase
