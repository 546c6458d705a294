#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/refine/solver.h"

namespace flashphase::refine {

struct CudaSolverOptions {
  int device = 0;
  /// fused: one block keeps a start for its whole schedule; patterns of 32, 64 and 128. batched: cuFFT, any
  /// size. automatic: fused where it exists.
  enum class Path { automatic, batched, fused } path = Path::automatic;
  /// A start that has not finished its schedule after this long stops with its best candidate; in
  /// milliseconds.
  std::chrono::nanoseconds time_limit = std::chrono::minutes(10);
  /// Starts that go to the device in one piece; while it works on one, the host makes the next.
  int starts_at_once = 2048;
  /// Of the batched path: planes that iterate together, so that they stay in the device's L2. 0: half of it.
  std::size_t window_bytes = 0;
};

struct CudaCounters {
  std::uint64_t smaller_buckets = 0;  ///< times that memory did not do for what was asked and less was tried
  double device_seconds = 0;          ///< by CUDA events around the kernels; copies are not in it
};

class CudaSolver : public Solver {
 public:
  virtual CudaCounters counters() const = 0;
};

/// The Solver on a GPU. Besides what Solver throws: DeviceLost when the device fails, std::runtime_error when
/// memory does not do for one frame, std::invalid_argument for a size that the path asked for does not have.
/// Throws DeviceUnusable with one sentence when there is no such device or this build has no CUDA.
std::unique_ptr<CudaSolver> make_cuda_solver(const CudaSolverOptions& options = {});

}  // namespace flashphase::refine
