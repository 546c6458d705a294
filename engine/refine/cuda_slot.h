#pragma once

#include "engine/refine/cuda_device.h"
#include "engine/refine/cuda_runner.h"
#include "engine/refine/cuda_solver.h"

namespace flashphase::refine::cuda {

/// The same memory on both sides.
template <class T>
struct Mirrored {
  void reserve(std::size_t count) {
    host.reserve(count);
    device.reserve(count);
  }
  void release() {
    host.release();
    device.release();
  }
  void upload(std::size_t count, cudaStream_t stream) {
    check(cudaMemcpyAsync(device.data(), host.data(), count * sizeof(T), cudaMemcpyHostToDevice, stream),
          "copy");
  }
  void download(std::size_t count, cudaStream_t stream) {
    check(cudaMemcpyAsync(host.data(), device.data(), count * sizeof(T), cudaMemcpyDeviceToHost, stream),
          "copy");
  }

  Buffer<T, Pinned> host;
  Buffer<T, OnDevice> device;
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

  const Stream& stream() const { return stream_; }

 private:
  Stream stream_;
  Event begun_, ended_;
  bool at_work_ = false;
  Mirrored<float> planes_;
  Mirrored<FrameScale> scale_;
  Mirrored<Complex> start_, object_;
  Mirrored<std::uint8_t> support_, limit_, best_support_;
  Mirrored<Outcome> outcome_;
  Buffer<Complex, OnDevice> last_;
  Mirrored<ProgramStep> steps_;
};

/// A runner on the device.
class DeviceRunner : public Runner {
 public:
  virtual CudaCounters counters() const = 0;
};

std::unique_ptr<DeviceRunner> make_fused_runner(const CudaSolverOptions& options);
std::unique_ptr<DeviceRunner> make_batched_runner(const CudaSolverOptions& options);

/// reserve(frames) with as many frames as there is memory for, at most `frames`, halving and calling
/// release() when there is not; counts that. Throws OutOfDeviceMemory when not even one fits.
template <class Reserve, class Release>
int reserve_what_fits(int frames, CudaCounters& counters, Reserve reserve, Release release) {
  for (;; frames = (frames + 1) / 2) {
    try {
      reserve(frames);
      return frames;
    } catch (const OutOfDeviceMemory&) {
      release();
      if (frames == 1) throw;
      ++counters.smaller_buckets;
    }
  }
}

}  // namespace flashphase::refine::cuda
