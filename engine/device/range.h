#pragma once

#include "engine/frame/stage.h"

namespace flashphase {

/// Names what this thread does, from here to the end of the block, on the time line of a profiler (Nsight
/// Systems, Nsight Compute), in the words of the stages. Stands where a stage works, not where it waits. Some
/// nanoseconds where no profiler looks; without CUDA two empty calls.
class Range {
 public:
  explicit Range(Stage stage);
  ~Range();
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
};

/// What work() gives, in a range.
template <class Work>
auto named(Stage stage, Work work) {
  const Range range(stage);
  return work();
}

}  // namespace flashphase
