#pragma once

#include "engine/refine/cuda/batched.h"

namespace flashphase::refine::cuda {

/// The kernels of the batched path on one window of jobs, in order; nothing waits.
class BatchedKernels {
 public:
  virtual ~BatchedKernels() = default;
  virtual void load_starts() = 0;
  virtual void forward_iterate() = 0;  ///< work = F g
  virtual void forward_work() = 0;     ///< work = F work
  virtual void inverse() = 0;          ///< work = m^2 F^-1 work
  virtual void project(bool wants_sums) = 0;
  virtual void decide(const Decision& decision) = 0;
  virtual void update(PixelOperation operation, const ProgramStep& step, bool keeps) = 0;
  virtual void smooth(float width) = 0;
  virtual void wrap(const ShrinkWrap& rule, float part, int done) = 0;
  /// Every start has stopped. May block; asked now and then where a schedule stops early.
  virtual bool all_stopped() = 0;
};

/// The whole schedule on the window; results lie in its StartsOnDevice once the kernels are done.
void run_batched(BatchedKernels& kernels, const FlatSchedule& flat, int m);

}  // namespace flashphase::refine::cuda
