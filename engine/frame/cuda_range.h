#pragma once

#include <nvtx3/nvToolsExt.h>

#include "engine/frame/stage.h"

namespace flashphase {

/// Names what this thread does, from here to the end of the block, on the time line of a profiler (Nsight
/// Systems, Nsight Compute), in the words of the stages. Some nanoseconds where no profiler looks.
class CudaRange {
 public:
  explicit CudaRange(Stage stage) { nvtxRangePushA(stage_name(stage).data()); }
  ~CudaRange() { nvtxRangePop(); }
  CudaRange(const CudaRange&) = delete;
  CudaRange& operator=(const CudaRange&) = delete;
};

}  // namespace flashphase
