#pragma once

#include "engine/device/cuda_resources.h"
#include "engine/refine/cuda/runner.h"

namespace flashphase::refine::cuda {

/// The same memory on both sides.
template <class T>
struct Mirrored {
  void reserve(std::size_t count) {
    host.reserve(count);
    device.reserve(count);
  }
  /// For results that kernels leave out where a start comes to nothing.
  void reserve_zeroed(std::size_t count) {
    host.reserve(count);
    flashphase::reserve_zeroed(device, count);
  }
  void release() {
    host.release();
    device.release();
  }
  void upload(std::size_t count, cudaStream_t stream) {
    check_cuda(cudaMemcpyAsync(device.data(), host.data(), count * sizeof(T), cudaMemcpyHostToDevice, stream),
               "copying to the GPU");
  }
  void download(std::size_t count, cudaStream_t stream) {
    check_cuda(cudaMemcpyAsync(host.data(), device.data(), count * sizeof(T), cudaMemcpyDeviceToHost, stream),
               "copying from the GPU");
  }

  PinnedBuffer<T> host;
  DeviceBuffer<T> device;
};

/// A slot of a runner on the device: its memory on both sides, a stream, what it has cost.
class Slot {
 public:
  void reserve(const RunnerShape& shape);
  void release();
  Staging staging() const;

  /// Copies the first `frames` frames and the steps to the device.
  void upload(const RunnerShape& shape, int frames, const FlatSchedule& flat);
  /// What kernels take, after upload().
  StartsOnDevice on_device(const RunnerShape& shape) const;
  Program program(const FlatSchedule& flat) const;
  /// Around the kernels: the clock, then the results back.
  void begin_kernels();
  void end_kernels(const RunnerShape& shape, int frames);
  /// Seconds of the kernels that it waited for; 0 where none were under way.
  double wait();

  const CudaStream& stream() const { return stream_; }

 private:
  CudaStream stream_;
  CudaEvent begun_, ended_;
  bool at_work_ = false;
  Mirrored<float> planes_;
  Mirrored<FrameScale> scale_;
  Mirrored<Complex> start_, object_;
  Mirrored<std::uint8_t> support_, limit_, best_support_;
  Mirrored<Outcome> outcome_;
  DeviceBuffer<Complex> last_;
  Mirrored<ProgramStep> steps_;
};

}  // namespace flashphase::refine::cuda
