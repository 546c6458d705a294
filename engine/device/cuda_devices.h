#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace flashphase {

/// A GPU as the driver shows it to this process; CUDA_VISIBLE_DEVICES and MIG choose and number them.
struct CudaDevice {
  int index = 0;
  std::string name;        ///< of a MIG slice, says so
  std::size_t memory = 0;  ///< bytes, of the device or slice
  int major = 0;           ///< compute capability
  int minor = 0;
  int multiprocessors = 0;
};

struct CudaDevices {
  std::vector<CudaDevice> devices;
  std::string problem;  ///< one sentence that says why there is none; empty when there is one
};

/// The devices visible to this process. Opens none of them; takes a moment the first time. Does not throw.
CudaDevices cuda_devices();

/// Opens the device and returns its free memory in bytes. Throws DeviceUnusable with one sentence when
/// another process has it for itself, or when this build has no CUDA.
std::size_t free_cuda_memory(int device);

/// What speaks against this device for work that takes `bytes` of its memory, `free` of which are free: one
/// sentence, or empty. Compute capability 8.0 (A100, 2020) is the oldest that this build has machine code
/// for.
std::string problem_of(const CudaDevice& device, std::size_t free, std::size_t bytes);

/// The device of this index if it can do work that takes `bytes` of its memory. Opens it. Throws
/// DeviceUnusable with the sentence that says why not.
CudaDevice require_cuda_device(int index, std::size_t bytes = 0);

}  // namespace flashphase
