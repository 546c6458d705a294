#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/refine/solver.h"

namespace flashphase::refine {

struct CudaSolverOptions {
  int device = 0;
  /// Edge m of the patterns to come, for which the path is chosen and memory taken when the solver is made.
  /// Others can be solved where the path has their size.
  int pattern_size = 64;
  /// fused: one block keeps a start for its whole schedule; patterns of AllFusedSizes (fused_sizes.h), where
  /// the device has the shared memory. batched: cuFFT, any size. automatic: fused where it exists.
  enum class Path { automatic, batched, fused } path = Path::automatic;
  /// A start that has not finished its schedule after this long stops with its best candidate; in
  /// milliseconds.
  std::chrono::nanoseconds time_limit = std::chrono::minutes(10);
  int starts_per_frame = 1;  ///< K of the starts to come, as pattern_size
  /// Starts that go to the device in one piece; while it works on one, the host makes the next.
  int starts_at_once = 2048;
  /// Threads of the host that prepare frames and choose among results; 0: as many as there are cores, at most
  /// eight.
  int host_threads = 0;
  /// Of the batched path: planes that iterate together, so that they stay in the device's L2. 0: half of it.
  std::size_t window_bytes = 0;
};

class CudaSolver : public Solver {
 public:
  int preferred_batch() const override { return 256; }
  /// Spent by its kernels, by CUDA events; copies are not in it.
  virtual double device_seconds() const = 0;
  /// What does an iteration of patterns of this size: "fused radix 8x8", "batched cufft".
  virtual std::string kernel_name(int pattern_size) const = 0;
};

/// The Solver on a GPU. Besides what Solver throws: DeviceLost when the device fails, OutOfDeviceMemory when
/// its memory does not do for one frame, std::invalid_argument for a size that the path does not have. Throws
/// DeviceUnusable with one sentence when there is no such device, no memory on it for one frame, or this
/// build has no CUDA.
std::unique_ptr<CudaSolver> make_cuda_solver(const CudaSolverOptions& options = {});

}  // namespace flashphase::refine
