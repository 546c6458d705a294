#include "tests/engine/refine/cuda/emulated_runner.h"
#include "tests/engine/refine/solver_conformance.h"

namespace flashphase::refine {
namespace {

using cuda::EmulatedOptions;

const auto kOnHost = testing::Values(
    SolverUnderTest{.name = "cpu",
                    .make = [](auto limit) { return make_cpu_solver({.time_limit = limit}); },
                    .exact = true},
    SolverUnderTest{.name = "cpu_on_three_cores",
                    .make = [](auto limit) { return make_cpu_solver({.time_limit = limit, .cores = 3}); },
                    .exact = true},
    SolverUnderTest{
        .name = "emulated_fused",
        .make =
            [](auto limit) { return cuda::make_runner_solver(cuda::make_emulated_fused_runner(), limit); },
        .any_size = false,
        .quick = false},
    SolverUnderTest{.name = "emulated_batched",
                    .make =
                        [](auto limit) {
                          return cuda::make_runner_solver(cuda::make_emulated_batched_runner(), limit, 3);
                        },
                    .quick = false});

INSTANTIATE_TEST_SUITE_P(Host, SolverConformance, kOnHost, testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(Host, BadInput, kOnHost, testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(Host, LikeTheCpu, kOnHost, testing::PrintToStringParamName());

}  // namespace
}  // namespace flashphase::refine
