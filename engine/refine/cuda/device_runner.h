#pragma once

#include <array>

#include "engine/refine/cuda/slot.h"
#include "engine/refine/cuda/solver.h"

namespace flashphase::refine::cuda {

/// A runner on the device: its slots, and how many frames fit into them. What it has less memory for than was
/// asked, it asks for no more.
class DeviceRunner : public Runner {
 public:
  int prepare(const RunnerShape& shape) final;
  Staging staging(int slot) final { return at(slot).staging(); }
  void wait(int slot) final { device_seconds_ += at(slot).wait(); }
  std::uint64_t out_of_memory() const final { return out_of_memory_; }
  double device_seconds() const final { return device_seconds_; }

 protected:
  explicit DeviceRunner(const CudaSolverOptions& options)
      : device_(options.device), starts_at_once_(options.starts_at_once) {}

  /// Makes room for what the kernels need besides the slots, for shape().frames frames; and gives it back.
  virtual void reserve_for_kernels() {}
  virtual void release_for_kernels() {}

  Slot& at(int slot) { return slots_[static_cast<std::size_t>(slot)]; }
  const RunnerShape& shape() const { return shape_; }

 private:
  int device_, starts_at_once_;
  RunnerShape shape_;  // frames: of a slot
  std::array<Slot, kSlots> slots_;
  std::uint64_t out_of_memory_ = 0;
  double device_seconds_ = 0;
};

std::unique_ptr<DeviceRunner> make_fused_runner(const CudaSolverOptions& options);
std::unique_ptr<DeviceRunner> make_batched_runner(const CudaSolverOptions& options);

}  // namespace flashphase::refine::cuda
