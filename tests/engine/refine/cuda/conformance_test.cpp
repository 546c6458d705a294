#include "engine/refine/cuda/solver.h"
#include "tests/engine/device/needs_gpu.h"
#include "tests/engine/refine/particle.h"
#include "tests/engine/refine/solver_conformance.h"

namespace flashphase::refine {
namespace {

using Path = CudaSolverOptions::Path;

SolverUnderTest on_device(const char* name, Path path) {
  return {.name = name,
          .make =
              [path](auto limit) {
                return make_cuda_solver({.path = path, .time_limit = limit, .starts_at_once = 3});
              },
          .any_size = path != Path::fused,
          .missing = why_no_gpu()};
}

const auto kOnDevice =
    testing::Values(on_device("cuda_fused", Path::fused), on_device("cuda_batched", Path::batched));

INSTANTIATE_TEST_SUITE_P(Device, SolverConformance, kOnDevice, testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(Device, BadInput, kOnDevice, testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(Device, LikeTheCpu, kOnDevice, testing::PrintToStringParamName());

}  // namespace
}  // namespace flashphase::refine
