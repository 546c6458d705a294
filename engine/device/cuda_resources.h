#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

#include "engine/device/device_lost.h"

namespace flashphase {

/// Throws OutOfDeviceMemory where that is what failed, DeviceLost for an error that is still there when the
/// device is asked again, and std::runtime_error for one that is not: a launch that this device cannot do has
/// lost nothing.
inline void check_cuda(cudaError_t error, const char* doing) {
  if (error == cudaSuccess) return;
  cudaGetLastError();
  const std::string sentence = std::string(doing) + ": " + cudaGetErrorString(error);
  if (error == cudaErrorMemoryAllocation) throw OutOfDeviceMemory(sentence);
  if (cudaDeviceSynchronize() != cudaSuccess) throw DeviceLost(sentence);
  throw std::runtime_error(sentence);
}

struct DeviceMemory {
  static cudaError_t allocate(void** to, std::size_t bytes) { return cudaMalloc(to, bytes); }
  static void free(void* memory) { cudaFree(memory); }
};
struct PinnedMemory {
  static cudaError_t allocate(void** to, std::size_t bytes) {
    return cudaHostAlloc(to, bytes, cudaHostAllocPortable);
  }
  static void free(void* memory) { cudaFreeHost(memory); }
};

/// Memory for `T`s that grows when asked and is kept.
template <class T, class Memory>
class CudaBuffer {
 public:
  CudaBuffer() = default;
  CudaBuffer(const CudaBuffer&) = delete;
  CudaBuffer& operator=(const CudaBuffer&) = delete;
  ~CudaBuffer() { release(); }

  /// Contents are lost where it grows; gives whether it did.
  bool reserve(std::size_t count) {
    if (count <= capacity_) return false;
    release();
    void* memory = nullptr;
    check_cuda(Memory::allocate(&memory, count * sizeof(T)), "taking memory for the GPU");
    data_ = static_cast<T*>(memory);
    capacity_ = count;
    return true;
  }
  void release() {
    if (data_) Memory::free(data_);
    data_ = nullptr;
    capacity_ = 0;
  }
  T* data() const { return data_; }
  std::span<T> span() const { return {data_, capacity_}; }

 private:
  T* data_ = nullptr;
  std::size_t capacity_ = 0;
};

template <class T>
using DeviceBuffer = CudaBuffer<T, DeviceMemory>;

/// Zeros where it grows: for what is copied or transformed as a whole, though not every part is written.
template <class T>
void reserve_zeroed(DeviceBuffer<T>& buffer, std::size_t count) {
  if (buffer.reserve(count))
    check_cuda(cudaMemset(buffer.data(), 0, count * sizeof(T)), "taking memory for the GPU");
}

/// Page-locked host memory, which the device copies from and to while the host goes on.
template <class T>
using PinnedBuffer = CudaBuffer<T, PinnedMemory>;

class CudaStream {
 public:
  CudaStream() { check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream"); }
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;
  ~CudaStream() { cudaStreamDestroy(stream_); }
  operator cudaStream_t() const { return stream_; }  // NOLINT: stands for the stream
  void wait() const { check_cuda(cudaStreamSynchronize(stream_), "waiting for the GPU"); }

 private:
  cudaStream_t stream_ = nullptr;
};

/// A point in a stream's work.
class CudaEvent {
 public:
  CudaEvent() { check_cuda(cudaEventCreate(&event_), "making an event"); }
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;
  ~CudaEvent() { cudaEventDestroy(event_); }

  void record(cudaStream_t stream) { check_cuda(cudaEventRecord(event_, stream), "recording an event"); }
  /// What is put into `stream` from now on begins after this point.
  void hold_back(cudaStream_t stream) {
    check_cuda(cudaStreamWaitEvent(stream, event_, 0), "ordering streams");
  }
  void wait() { check_cuda(cudaEventSynchronize(event_), "waiting for the GPU"); }
  /// Both have happened.
  double seconds_since(const CudaEvent& before) const {
    float milliseconds = 0;
    check_cuda(cudaEventElapsedTime(&milliseconds, before.event_, event_), "reading the GPU's clock");
    return 1e-3 * static_cast<double>(milliseconds);
  }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace flashphase
