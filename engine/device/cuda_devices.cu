#include <cuda_runtime.h>

#include <cstdlib>

#include "engine/device/cuda_devices.h"
#include "engine/device/device_lost.h"

namespace flashphase {
namespace {

std::string release(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string problem_of(cudaError_t error) {
  int driver = 0;
  cudaDriverGetVersion(&driver);
  if (driver == 0) return "there is no NVIDIA driver on this machine";
  if (error == cudaErrorInsufficientDriver)
    return "the NVIDIA driver supports CUDA " + release(driver) + "; this build needs " +
           release(CUDART_VERSION) + " or newer";
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  const std::string chosen = visible ? std::string(" with CUDA_VISIBLE_DEVICES=") + visible : "";
  if (error == cudaSuccess || error == cudaErrorNoDevice) return "no NVIDIA GPU is visible" + chosen;
  return "the NVIDIA GPUs cannot be used" + chosen + ": " + cudaGetErrorString(error);
}

CudaDevice describe(int index, const cudaDeviceProp& properties) {
  return {.index = index,
          .name = properties.name,
          .memory = properties.totalGlobalMem,
          .major = properties.major,
          .minor = properties.minor,
          .multiprocessors = properties.multiProcessorCount};
}

}  // namespace

CudaDevices cuda_devices() {
  CudaDevices found;
  int count = 0;
  cudaError_t error = cudaGetDeviceCount(&count);
  cudaDeviceProp properties;
  for (int index = 0; error == cudaSuccess && index < count; ++index) {
    error = cudaGetDeviceProperties(&properties, index);
    if (error == cudaSuccess) found.devices.push_back(describe(index, properties));
  }
  if (found.devices.empty()) found.problem = problem_of(error);
  cudaGetLastError();  // a failure here is no later call's
  return found;
}

std::size_t free_cuda_memory(int device) {
  std::size_t free = 0;
  std::size_t total = 0;
  int before = 0;
  cudaGetDevice(&before);
  cudaError_t error = cudaSetDevice(device);
  if (error == cudaSuccess) error = cudaMemGetInfo(&free, &total);
  cudaSetDevice(before);
  cudaGetLastError();
  if (error == cudaErrorDevicesUnavailable)
    throw DeviceUnusable("GPU " + std::to_string(device) +
                         " is in use by another process, which has it for itself");
  if (error == cudaErrorMemoryAllocation) return 0;  // not even room to open it
  if (error != cudaSuccess)
    throw DeviceUnusable("GPU " + std::to_string(device) + " cannot be opened: " + cudaGetErrorString(error));
  return free;
}

}  // namespace flashphase
