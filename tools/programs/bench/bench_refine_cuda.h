#pragma once

#include <string>

#include "engine/refine/schedule.h"

namespace flashphase::tools {

struct CudaRefineArguments {
  int device = 0;
  std::string path = "automatic";
  int size = 64;
  int frames = 0;  ///< in flight together; 0 = as many as fill a large GPU several times
};

/// Medians over rounds with different random inputs.
struct CudaRefineSpeed {
  std::string device, path;
  std::string kernel;  ///< CudaSolver::kernel_name
  int size = 0, frames = 0;
  double iterations = 0;                   ///< a second, by CUDA events around the kernels
  double frames_per_second = 0;            ///< through the whole schedule, likewise
  double frames_per_second_with_host = 0;  ///< as the caller of solve() sees it, one thread
  double floor = 0;  ///< pairs of cuFFT transforms of one pattern a second, as many together, in the same run
};

/// Throws DeviceUnusable without a device, std::invalid_argument for a size that the path does not have.
CudaRefineSpeed bench_refine_on_cuda(const CudaRefineArguments& arguments, const refine::Schedule& schedule);

}  // namespace flashphase::tools
