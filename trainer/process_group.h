#pragma once

#include <memory>
#include <vector>

#include "trainer/processes.h"

namespace at {
class Tensor;
}

namespace flashphase::trainer {

/// Processes that compute together: what one calls, all have to call, in the same order. Implementations:
/// Gloo of LibTorch's c10d on the CPU; one that refuses where LibTorch or its headers lack it.
///
/// Blocking. Throws std::runtime_error when another process is gone. Thread: one.
class ProcessGroup {
 public:
  virtual ~ProcessGroup() = default;
  /// Adds up the float32 values [N] of all processes, in place.
  virtual void sum(at::Tensor& values) = 0;
};

/// Replaces the tensors by their means over the processes; they travel together.
void average(ProcessGroup& group, int count, const std::vector<at::Tensor>& tensors);

/// Waits until all have come, at most five minutes. Throws std::runtime_error when they do not, and
/// std::invalid_argument where this build cannot do it. Precondition: place.count > 1.
std::unique_ptr<ProcessGroup> join(const Place& place);

}  // namespace flashphase::trainer
