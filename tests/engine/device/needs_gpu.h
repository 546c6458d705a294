#pragma once

#include <filesystem>
#include <string>

#include "engine/device/cuda_devices.h"

namespace flashphase {

/// Why a test that needs a GPU is skipped; empty where it has to run. A machine with NVIDIA's driver has a
/// GPU: there a device that cannot be used fails the tests instead.
inline std::string why_no_gpu() {
  return std::filesystem::exists("/dev/nvidiactl") ? std::string() : cuda_devices().problem;
}

}  // namespace flashphase
