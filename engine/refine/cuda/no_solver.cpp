#include "engine/device/device_lost.h"
#include "engine/refine/cuda/bench.h"
#include "engine/refine/cuda/solver.h"

namespace flashphase::refine {
namespace {

[[noreturn]] void refuse() {
  throw DeviceUnusable("this build has no CUDA: build the preset cuda");
}

}  // namespace

std::unique_ptr<CudaSolver> make_cuda_solver(const CudaSolverOptions&) {
  refuse();
}

double cuda_fft_floor(int, int, int, int) {
  refuse();
}

}  // namespace flashphase::refine
