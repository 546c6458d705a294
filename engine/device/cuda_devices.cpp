#include "engine/device/cuda_devices.h"

#include "engine/device/device_lost.h"

namespace flashphase {

std::string problem_of(const CudaDevice& device, std::size_t free, std::size_t bytes) {
  const std::string name = "GPU " + std::to_string(device.index) + " (" + device.name + ")";
  if (device.major < 8)
    return name + " has compute capability " + std::to_string(device.major) + "." +
           std::to_string(device.minor) + "; 8.0 or newer is needed";
  const auto mebibytes = [](std::size_t n) { return std::to_string(n >> 20) + " MiB"; };
  if (device.memory < bytes)
    return name + " has " + mebibytes(device.memory) + " of memory; " + mebibytes(bytes) + " are needed";
  if (free < bytes)
    return name + " is busy: " + mebibytes(free) + " of its " + mebibytes(device.memory) + " are free; " +
           mebibytes(bytes) + " are needed";
  return {};
}

CudaDevice require_cuda_device(int index, std::size_t bytes) {
  const CudaDevices found = cuda_devices();
  if (!found.problem.empty()) throw DeviceUnusable(found.problem);
  const auto count = static_cast<int>(found.devices.size());
  if (index < 0 || index >= count)
    throw DeviceUnusable("there is no GPU " + std::to_string(index) + ": " + std::to_string(count) +
                         (count == 1 ? " is visible" : " are visible") + ", numbered from 0");
  const CudaDevice& device = found.devices[static_cast<std::size_t>(index)];
  std::string problem = problem_of(device, device.memory, bytes);
  if (problem.empty()) problem = problem_of(device, free_cuda_memory(index), bytes);
  if (!problem.empty()) throw DeviceUnusable(problem);
  return device;
}

}  // namespace flashphase
