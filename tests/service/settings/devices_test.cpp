#include "service/settings/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace flashphase::service {
namespace {

using testing::ElementsAre;
using Kind = DeviceChoice::Kind;

CudaDevices some_gpus(int count) {
  CudaDevices found;
  for (int i = 0; i < count; ++i)
    found.devices.push_back({.index = i, .name = "fake", .memory = std::size_t{1} << 34, .major = 9});
  if (count == 0) found.problem = "no NVIDIA GPU is visible";
  return found;
}

std::string error_of(const std::string& text, const CudaDevices& visible) {
  try {
    devices_for(parse_device(text).value(), visible);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "(none)";
}

TEST(Devices, AreReadFromTheirText) {
  EXPECT_EQ(parse_device("auto")->kind, Kind::automatic);
  EXPECT_EQ(parse_device("cpu")->kind, Kind::cpu);
  EXPECT_EQ(parse_device("cuda")->kind, Kind::cuda);
  EXPECT_THAT(parse_device("cuda")->gpus, ElementsAre());
  EXPECT_THAT(parse_device("cuda:0")->gpus, ElementsAre(0));
  EXPECT_THAT(parse_device("cuda:2,0,11")->gpus, ElementsAre(2, 0, 11));
}

TEST(Devices, AreNotReadFromOtherTexts) {
  for (const char* text : {"", "gpu", "CUDA", "cuda:", "cuda:x", "cuda:-1", "cuda:0,", "cuda:0,,1",
                           "cuda:0 1", "cuda:0,0", "cuda:99999999999", "cpu:0"})
    EXPECT_FALSE(parse_device(text)) << text;
}

TEST(Devices, AutomaticTakesEveryGpuAndElseTheCpu) {
  EXPECT_THAT(devices_for({}, some_gpus(2)), ElementsAre(Device(0), Device(1)));
  EXPECT_THAT(devices_for({}, some_gpus(0)), ElementsAre(Device()));
}

TEST(Devices, AutomaticPassesOverAGpuThatIsTooOld) {
  CudaDevices visible = some_gpus(2);
  visible.devices[0].major = 6;
  EXPECT_THAT(devices_for({}, visible), ElementsAre(Device(1)));
  visible.devices[1].major = 7;
  EXPECT_THAT(devices_for({}, visible), ElementsAre(Device()));
}

TEST(Devices, AreThoseThatWereAskedFor) {
  EXPECT_THAT(devices_for(*parse_device("cpu"), some_gpus(2)), ElementsAre(Device()));
  EXPECT_THAT(devices_for(*parse_device("cuda"), some_gpus(2)), ElementsAre(Device(0), Device(1)));
  EXPECT_THAT(devices_for(*parse_device("cuda:1"), some_gpus(2)), ElementsAre(Device(1)));
}

TEST(Devices, ThatAreNotThereAreAnErrorThatSaysWhatIs) {
  EXPECT_EQ(error_of("cuda", some_gpus(0)), "no NVIDIA GPU is visible");
  EXPECT_EQ(error_of("cuda:0", some_gpus(0)), "no NVIDIA GPU is visible");
  EXPECT_EQ(error_of("cuda:0,2", some_gpus(2)), "there is no cuda:2; visible are cuda:0 to cuda:1");
}

TEST(Devices, HaveNames) {
  EXPECT_EQ(device_names({Device()}), "cpu");
  EXPECT_EQ(device_names({Device(0), Device(2)}), "cuda:0,2");
}

}  // namespace
}  // namespace flashphase::service
