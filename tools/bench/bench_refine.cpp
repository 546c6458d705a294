#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/fft/fft2.h"
#include "engine/refine/schedule.h"
#include "engine/refine/solver.h"
#include "tools/bench/bench_refine_cuda.h"
#include "tools/bench/commands.h"
#include "tools/bench/fft_floor.h"
#include "tools/bench/refine_problem.h"
#include "tools/json.h"
#include "tools/program.h"

namespace flashphase::tools {
namespace {

struct Arguments {
  std::string backend = "cpu";
  std::string path = "automatic";
  int device = 0;
  int size = 64;
  int iterations = 600;
  int frames = 0;  ///< 0 = for each thread as many as take about as long as 64 of size 64
  int threads = 1;
  std::string schedule;
  bool json = false;
};

/// Runs `work(thread)` on every thread at once; seconds until the last is done.
template <class Work>
double timed(int threads, Work work) {
  std::vector<std::jthread> workers;
  const Clock::time_point start = Clock::now();
  for (int t = 0; t < threads; ++t) workers.emplace_back([&work, t] { work(t); });
  workers.clear();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// FFT pairs per second, all threads together.
double measure_floor(int size, int threads, int pairs) {
  std::vector<std::unique_ptr<FftFloor>> floors;
  for (int t = 0; t < threads; ++t) floors.push_back(std::make_unique<FftFloor>(size));
  const auto run = [&](int t) {
    for (int i = 0; i < pairs; ++i) floors[static_cast<std::size_t>(t)]->forward_and_inverse();
  };
  timed(threads, run);  // caches and clocks warm
  return threads * static_cast<double>(pairs) / timed(threads, run);
}

/// A solver and frames of its own for every thread.
class Lanes {
 public:
  Lanes(const Arguments& arguments, int threads) {
    const double usual = 64.0 * 64 * 64 / arguments.size / arguments.size;
    const int frames = arguments.frames > 0 ? arguments.frames : threads * static_cast<int>(std::ceil(usual));
    const int share = (frames + threads - 1) / threads;
    for (int t = 0; t < threads; ++t)
      lanes_.push_back({make_refine_problem(share, arguments.size, static_cast<std::uint64_t>(t) + 1)});
  }

  /// Iterations per second, all threads together.
  double operator()(const refine::Schedule& schedule) {
    const int threads = static_cast<int>(lanes_.size());
    const double seconds = timed(threads, [&](int t) {
      Lane& lane = lanes_[static_cast<std::size_t>(t)];
      lane.solver->solve(lane.problem.patterns, lane.problem.starts, schedule, lane.refined);
    });
    return threads * static_cast<double>(lanes_.front().problem.patterns.count) * schedule.iterations() /
           seconds;
  }

 private:
  struct Lane {
    RefineProblem problem;
    std::unique_ptr<refine::Solver> solver = refine::make_cpu_solver();
    refine::Refined refined{};
  };
  std::vector<Lane> lanes_;
};

/// Iterations a second: the best of several rounds, in which all that is compared runs in turn. What else the
/// machine does can only slow them down.
struct Best {
  double floor = 0, speed = 0, one_thread = 0, with_shrink_wrap = 0;
};

Best measure(const Arguments& arguments, const refine::Schedule& schedule) {
  constexpr int rounds = 5;
  const int pairs =
      std::max(20, static_cast<int>(2e8 / std::pow(arguments.size, 2) / std::log2(arguments.size) / 10));
  refine::Schedule shrink_wrap = schedule;
  shrink_wrap.shrink_wrap.emplace();
  Lanes all(arguments, arguments.threads), one(arguments, 1);
  all(refine::parse_schedule("20*HIO"));  // caches and clocks warm
  Best best;
  for (int i = 0; i < rounds; ++i) {
    best.floor = std::max(best.floor, measure_floor(arguments.size, arguments.threads, pairs));
    best.speed = std::max(best.speed, all(schedule));
    if (!schedule.shrink_wrap) best.with_shrink_wrap = std::max(best.with_shrink_wrap, all(shrink_wrap));
    if (arguments.threads > 1) best.one_thread = std::max(best.one_thread, one(schedule));
  }
  return best;
}

void print(const CudaRefineSpeed& speed, bool json) {
  JsonObject report;
  report.add("backend", "cuda").add("device", speed.device).add("path", speed.path).add("size", speed.size);
  report.add("frames", speed.frames).add("iterations_per_second", speed.iterations);
  report.add("frames_per_second", speed.frames_per_second);
  report.add("frames_per_second_with_host", speed.frames_per_second_with_host);
  report.add("fft_floor_iterations_per_second", speed.floor)
      .add("ratio_to_floor", speed.iterations / speed.floor);
  if (json)
    std::cout << report.text() << '\n';
  else
    std::cout << speed.iterations << " iterations/s (" << speed.path << "), " << speed.frames_per_second
              << " frames/s, with the host's work " << speed.frames_per_second_with_host << "; floor "
              << speed.floor << " (two cuFFT), ratio " << speed.iterations / speed.floor << '\n';
}

int run(const Arguments& arguments) {
  const refine::Schedule schedule = refine::parse_schedule(
      arguments.schedule.empty() ? std::to_string(arguments.iterations) + "*HIO" : arguments.schedule);
  if (arguments.backend == "cuda") {
    print(bench_refine_on_cuda({.device = arguments.device,
                                .path = arguments.path,
                                .size = arguments.size,
                                .frames = arguments.frames},
                               schedule),
          arguments.json);
    return kDone;
  }
  const Best best = measure(arguments, schedule);
  const double ratio = best.speed / best.floor;
  JsonObject report;
  report.add("backend", "cpu").add("size", arguments.size).add("threads", arguments.threads);
  report.add("fft", FftFloor::name()).add("solver_fft", fft::instruction_set());
  report.add("iterations_per_second", best.speed).add("fft_floor_iterations_per_second", best.floor);
  report.add("ratio_to_floor", ratio);
  if (arguments.threads > 1) report.add("ratio_to_one_thread", best.speed / best.one_thread);
  if (!schedule.shrink_wrap) report.add("shrink_wrap_cost", best.speed / best.with_shrink_wrap - 1);
  if (arguments.json)
    std::cout << report.text() << '\n';
  else
    std::cout << best.speed << " iterations/s, floor " << best.floor << " (" << FftFloor::name()
              << "), ratio " << ratio << '\n';
  return kDone;
}

}  // namespace

Command add_bench_refine(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("refine", "iterations per second of the solver beside its two FFTs");
  auto arguments = std::make_shared<Arguments>();
  app->add_option("--backend", arguments->backend, "cpu or cuda")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  app->add_option("--path", arguments->path, "cuda: automatic, fused or batched")
      ->check(CLI::IsMember({"automatic", "fused", "batched"}))
      ->capture_default_str();
  app->add_option("--device", arguments->device, "cuda: number of the GPU")->check(CLI::NonNegativeNumber);
  app->add_option("--size", arguments->size, "edge of the pattern, pixels")
      ->check(CLI::Range(8, 4096))
      ->capture_default_str();
  app->add_option("--iterations", arguments->iterations)->check(CLI::PositiveNumber)->capture_default_str();
  app->add_option("--frames", arguments->frames,
                  "default: by size, a quarter of a second's work a thread or more")
      ->check(CLI::PositiveNumber);
  app->add_option("--threads", arguments->threads)->check(CLI::PositiveNumber)->capture_default_str();
  app->add_option("--schedule", arguments->schedule, "default: iterations*HIO");
  app->add_flag("--json", arguments->json, "one JSON object");
  return [arguments] { return run(*arguments); };
}

}  // namespace flashphase::tools
