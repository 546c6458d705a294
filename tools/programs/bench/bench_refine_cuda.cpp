#include "tools/programs/bench/bench_refine_cuda.h"

#include <algorithm>
#include <random>
#include <vector>

#include "engine/device/cuda_devices.h"
#include "engine/device/range.h"
#include "engine/frame/frame.h"
#include "engine/refine/cuda/bench.h"
#include "engine/refine/cuda/solver.h"
#include "tools/programs/bench/median.h"
#include "tools/programs/bench/refine_problem.h"

namespace flashphase::tools {
namespace {

using Path = refine::CudaSolverOptions::Path;

constexpr int kSets = 4;  // of inputs: no round finds what the last one left in a cache
constexpr int kRounds = 8;

Path path_named(const std::string& name) {
  return name == "fused" ? Path::fused : name == "batched" ? Path::batched : Path::automatic;
}

}  // namespace

CudaRefineSpeed bench_refine_on_cuda(const CudaRefineArguments& arguments, const refine::Schedule& schedule) {
  const CudaDevice device = require_cuda_device(arguments.device);
  const int size = arguments.size;
  const int frames =
      arguments.frames > 0 ? arguments.frames : std::clamp((1 << 24) / (size * size), 16, 8192);
  const auto solver = refine::make_cuda_solver({.device = arguments.device,
                                                .pattern_size = size,
                                                .path = path_named(arguments.path),
                                                .starts_at_once = frames});
  std::random_device seed;
  std::vector<RefineProblem> sets;
  for (int i = 0; i < kSets; ++i) sets.push_back(make_refine_problem(frames, size, seed()));
  refine::Refined refined;
  const auto solve = [&](int set) {
    const Range range(Stage::refine);
    const RefineProblem& problem = sets[static_cast<std::size_t>(set)];
    solver->solve(problem.patterns, problem.starts, schedule, refined);
  };
  solve(0);  // code loaded, memory there, clocks up
  const int planes = std::min(frames, std::max(1, (1 << 26) / (size * size)));
  std::vector<double> on_device, with_host, floor;
  for (int round = 0; round < kRounds; ++round) {
    const double before = solver->device_seconds();
    const Clock::time_point begun = Clock::now();
    solve(round % kSets);
    with_host.push_back(seconds_between<double>(begun, Clock::now()));
    on_device.push_back(solver->device_seconds() - before);
    floor.push_back(refine::cuda_fft_floor(arguments.device, size, planes, 16));
  }
  CudaRefineSpeed speed{.device = device.name,
                        .path = arguments.path,
                        .kernel = solver->kernel_name(size),
                        .size = size,
                        .frames = frames};
  speed.frames_per_second = frames / median(on_device);
  speed.iterations = speed.frames_per_second * schedule.iterations();
  speed.frames_per_second_with_host = frames / median(with_host);
  speed.floor = median(floor);
  return speed;
}

}  // namespace flashphase::tools
