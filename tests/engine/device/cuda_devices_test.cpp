#include "engine/device/cuda_devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/device/device_lost.h"

namespace flashphase {
namespace {

using testing::IsEmpty;
using testing::StartsWith;

constexpr std::size_t kGibibyte = std::size_t{1} << 30;

CudaDevice some_device() {
  return {2, "NVIDIA H200", 140 * kGibibyte, 9, 0, 132};
}

std::string sentence_of(int index, std::size_t bytes) {
  try {
    require_cuda_device(index, bytes);
  } catch (const DeviceUnusable& caught) {
    return caught.what();
  }
  return {};
}

TEST(CudaDevices, NothingSpeaksAgainstADeviceWithRoom) {
  EXPECT_THAT(problem_of(some_device(), 100 * kGibibyte, kGibibyte), IsEmpty());
  EXPECT_THAT(problem_of(some_device(), 0, 0), IsEmpty());
}

TEST(CudaDevices, ADeviceThatIsTooOldIsNamedWithWhatIsNeeded) {
  CudaDevice volta = some_device();
  volta.major = 7;
  volta.minor = 5;
  EXPECT_EQ(problem_of(volta, kGibibyte, 0),
            "GPU 2 (NVIDIA H200) has compute capability 7.5; 8.0 or newer is needed");
}

TEST(CudaDevices, ABusyDeviceIsNamedWithItsFreeMemory) {
  EXPECT_EQ(problem_of(some_device(), kGibibyte / 2, kGibibyte),
            "GPU 2 (NVIDIA H200) is busy: 512 MiB of its 143360 MiB are free; 1024 MiB are needed");
}

TEST(CudaDevices, ADeviceThatIsTooSmallIsNotCalledBusy) {
  EXPECT_EQ(problem_of(some_device(), kGibibyte, 200 * kGibibyte),
            "GPU 2 (NVIDIA H200) has 143360 MiB of memory; 204800 MiB are needed");
}

TEST(CudaDevices, EitherThereAreDevicesOrASentenceSaysWhyNot) {
  const CudaDevices found = cuda_devices();
  EXPECT_NE(found.devices.empty(), found.problem.empty()) << found.problem;
  for (std::size_t i = 0; i < found.devices.size(); ++i) {
    EXPECT_EQ(found.devices[i].index, static_cast<int>(i));
    EXPECT_GT(found.devices[i].memory, 0u);
  }
  EXPECT_EQ(cuda_devices().problem, found.problem) << "asking twice tells the same";
}

TEST(CudaDevices, ADeviceThatIsNotThereCannotBeUsed) {
  const CudaDevices found = cuda_devices();
  const auto count = static_cast<int>(found.devices.size());
  for (const int index : {-1, count})
    EXPECT_THAT(sentence_of(index, 0), found.devices.empty() ? testing::Matcher<std::string>(found.problem)
                                                             : StartsWith("there is no GPU"));
}

}  // namespace
}  // namespace flashphase
