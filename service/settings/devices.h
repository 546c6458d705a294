#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/device/cuda_devices.h"

namespace flashphase::service {

/// What `infer.device` or `refine.device` asks for.
struct DeviceChoice {
  enum class Kind { automatic, cpu, cuda } kind = Kind::automatic;
  std::vector<int> gpus;  ///< with cuda; empty = all that are visible
};

/// "auto", "cpu", "cuda", "cuda:0", "cuda:0,2"; nothing for other texts.
std::optional<DeviceChoice> parse_device(const std::string& text);

/// A worker's device: the index of a GPU, or none for the CPU.
using Device = std::optional<int>;

/// The devices that are to have workers; never empty. With automatic: every visible GPU that is not too old,
/// else the CPU. Throws std::runtime_error with one sentence when a GPU that is asked for is not there.
std::vector<Device> devices_for(const DeviceChoice& choice, const CudaDevices& visible);

/// "cpu", "cuda:0", "cuda:0,2", ...
std::string device_names(const std::vector<Device>& devices);

}  // namespace flashphase::service
