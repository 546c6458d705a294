#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "engine/frame/device_lost.h"

namespace flashphase::refine::cuda {

/// No room on the device (or for pinned memory); the caller tries with less.
class OutOfDeviceMemory : public std::runtime_error {
 public:
  OutOfDeviceMemory() : std::runtime_error("refine: the GPU has no memory left for one frame") {}
};

/// Throws OutOfDeviceMemory or, for any other failure, DeviceLost: after those a process cannot go on with
/// it.
inline void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();
  if (error == cudaErrorMemoryAllocation) throw OutOfDeviceMemory();
  throw DeviceLost(std::string("refine: ") + what + ": " + cudaGetErrorString(error));
}

struct OnDevice {
  static cudaError_t allocate(void** to, std::size_t bytes) { return cudaMalloc(to, bytes); }
  static void free(void* memory) { cudaFree(memory); }
};
struct Pinned {
  static cudaError_t allocate(void** to, std::size_t bytes) { return cudaMallocHost(to, bytes); }
  static void free(void* memory) { cudaFreeHost(memory); }
};

/// Memory for `T`s that grows when asked and is kept.
template <class T, class Where>
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { release(); }

  /// Contents are lost where it grows.
  void reserve(std::size_t count) {
    if (count <= capacity_) return;
    release();
    void* memory = nullptr;
    check(Where::allocate(&memory, count * sizeof(T)), "allocation");
    data_ = static_cast<T*>(memory);
    capacity_ = count;
  }
  void release() {
    if (data_) Where::free(data_);
    data_ = nullptr;
    capacity_ = 0;
  }
  T* data() const { return data_; }
  std::span<T> span() const { return {data_, capacity_}; }

 private:
  T* data_ = nullptr;
  std::size_t capacity_ = 0;
};

class Stream {
 public:
  Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "stream"); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { cudaStreamDestroy(stream_); }
  operator cudaStream_t() const { return stream_; }  // NOLINT: stands for the stream
  void wait() const { check(cudaStreamSynchronize(stream_), "a kernel"); }

 private:
  cudaStream_t stream_ = nullptr;
};

class Event {
 public:
  Event() { check(cudaEventCreate(&event_), "event"); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { cudaEventDestroy(event_); }
  operator cudaEvent_t() const { return event_; }  // NOLINT: stands for the event
  void record(cudaStream_t stream) { check(cudaEventRecord(event_, stream), "event"); }
  /// Both have happened.
  double seconds_since(const Event& before) const {
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, before.event_, event_), "event");
    return 1e-3 * static_cast<double>(milliseconds);
  }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace flashphase::refine::cuda
