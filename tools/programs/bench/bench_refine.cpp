#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/refine/loop/loop.h"
#include "engine/refine/schedule.h"
#include "engine/refine/solver.h"
#include "proto/json.h"
#include "tools/programs/bench/bench_refine_cuda.h"
#include "tools/programs/bench/bench_starts.h"
#include "tools/programs/bench/commands.h"
#include "tools/programs/bench/fft_floor.h"
#include "tools/programs/bench/median.h"
#include "tools/programs/bench/refine_problem.h"
#include "tools/shared/program.h"

namespace flashphase::tools {
namespace {

struct Arguments {
  std::string backend = "cpu";
  std::string path = "automatic";
  int device = 0;
  int size = 64;
  int iterations = 600;
  int frames = 0;  ///< of a batch; 0 = one for each thread, on a GPU by size
  int threads = 1;
  int starts = 0;  ///< of one frame; 0 = frames of one start, on a thread each
  double seconds = 8;
  std::string schedule;
  bool json = false;
};

/// Binds this thread to the `index`-th of the cores that it may use, counted round: two threads that begin on
/// one core would share it until the scheduler parts them. Where that is refused, it stays unbound.
void bind_to_core(int index) {
  cpu_set_t usable, chosen;
  if (sched_getaffinity(0, sizeof usable, &usable) != 0) return;
  int skip = index % CPU_COUNT(&usable), core = 0;
  while (!CPU_ISSET(core, &usable) || skip-- > 0) ++core;
  CPU_ZERO(&chosen);
  CPU_SET(core, &chosen);
  sched_setaffinity(0, sizeof chosen, &chosen);
}

/// What a thread does over and over; returns how much that was (iterations, FFT pairs).
using Work = std::function<double()>;

/// How much a second all of `work` does together, each on a thread and a core of its own (from the
/// `first_core`-th on), for about `window`. Nobody waits for the slowest, as in a pool that takes frames from
/// one queue.
double rate(std::span<const Work> work, int first_core = 0) {
  constexpr std::chrono::milliseconds window(30);
  std::vector<double> rates(work.size());
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < work.size(); ++t)
    threads.emplace_back([&, t] {
      bind_to_core(first_core + static_cast<int>(t));
      const Clock::time_point start = Clock::now();
      double done = 0;
      while (Clock::now() - start < window) done += work[t]();
      rates[t] = done / seconds_between<double>(start, Clock::now());
    });
  threads.clear();
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

/// What one thread has for itself: a solver and frames, and an FFT.
class Lane {
 public:
  Lane(int frames, int size, std::uint64_t seed)
      : problem_(make_refine_problem(frames, size, seed)), fft_(size) {}

  double iterate(const refine::Schedule& schedule) {
    solver_->solve(problem_.patterns, problem_.starts, schedule, refined_);
    return static_cast<double>(problem_.patterns.count) * schedule.iterations();
  }
  double transform() {
    constexpr int pairs = 8;
    for (int i = 0; i < pairs; ++i) fft_.forward_and_inverse();
    return pairs;
  }

 private:
  RefineProblem problem_;
  FftFloor fft_;
  std::unique_ptr<refine::Solver> solver_ = refine::make_cpu_solver();
  refine::Refined refined_{};
};

/// Rates are those of the best round, a second. Ratios are medians of the rounds' own: within a round all
/// that is compared runs in turn, so what slows a core for longer than a round (a neighbour on the same
/// physical core, its clock) slows both sides.
struct Speed {
  double iterations = 0, floor = 0;
  double to_floor = 0, to_one_thread = 0, shrink_wrap_cost = 0;
};

Speed measure(const Arguments& arguments, const refine::Schedule& schedule) {
  constexpr int least_rounds = 5;
  refine::Schedule shrink_wrap = schedule;
  shrink_wrap.shrink_wrap.emplace();
  const int frames = std::max(1, arguments.frames);
  std::vector<std::unique_ptr<Lane>> lanes;
  std::vector<Work> transform, iterate, wrap;
  for (int t = 0; t < arguments.threads; ++t) {
    Lane* lane =
        lanes.emplace_back(std::make_unique<Lane>(frames, arguments.size, static_cast<std::uint64_t>(t) + 1))
            .get();
    transform.push_back([lane] { return lane->transform(); });
    iterate.push_back([lane, &schedule] { return lane->iterate(schedule); });
    wrap.push_back([lane, &shrink_wrap] { return lane->iterate(shrink_wrap); });
  }
  Speed speed;
  std::vector<double> to_floor, to_one_thread, cost;
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < least_rounds || Clock::now() - start < std::chrono::duration<double>(arguments.seconds);
       ++i) {
    const double floor = rate(transform), all = rate(iterate);
    if (arguments.threads > 1) {
      double alone = 0;  // each thread in turn, on its own core
      for (int t = 0; t < arguments.threads; ++t)
        alone += rate({&iterate[static_cast<std::size_t>(t)], 1}, t);
      to_one_thread.push_back(arguments.threads * all / alone);
    }
    if (!schedule.shrink_wrap) cost.push_back(all / rate(wrap) - 1);
    to_floor.push_back(all / floor);
    speed.iterations = std::max(speed.iterations, all);
    speed.floor = std::max(speed.floor, floor);
  }
  speed.to_floor = median(to_floor);
  if (!to_one_thread.empty()) speed.to_one_thread = median(to_one_thread);
  if (!cost.empty()) speed.shrink_wrap_cost = median(cost);
  return speed;
}

void print(const CudaRefineSpeed& speed, bool json) {
  JsonObject report;
  report.add("backend", "cuda").add("device", speed.device).add("path", speed.path).add("size", speed.size);
  report.add("solver_fft", speed.kernel);
  report.add("frames", speed.frames).add("iterations_per_second", speed.iterations);
  report.add("frames_per_second", speed.frames_per_second);
  report.add("frames_per_second_with_host", speed.frames_per_second_with_host);
  report.add("fft_floor_iterations_per_second", speed.floor)
      .add("ratio_to_floor", speed.iterations / speed.floor);
  if (json)
    std::cout << report.text() << '\n';
  else
    std::cout << speed.iterations << " iterations/s (" << speed.kernel << "), " << speed.frames_per_second
              << " frames/s, with the host's work " << speed.frames_per_second_with_host << "; floor "
              << speed.floor << " (two cuFFT), ratio " << speed.iterations / speed.floor << '\n';
}

int run_starts(const Arguments& arguments, const refine::Schedule& schedule) {
  const StartsSpeed speed = bench_starts({.size = arguments.size,
                                          .starts = arguments.starts,
                                          .threads = arguments.threads,
                                          .seconds = arguments.seconds},
                                         schedule);
  JsonObject report;
  report.add("backend", "cpu").add("size", arguments.size).add("threads", arguments.threads);
  report.add("starts", arguments.starts).add("frames_per_second", speed.frames_per_second);
  report.add("ratio_to_one_thread", speed.ratio_to_one_thread).add("same_bytes", speed.same_bytes);
  if (arguments.json)
    std::cout << report.text() << '\n';
  else
    std::cout << speed.frames_per_second << " frames/s of " << arguments.starts << " starts on "
              << arguments.threads << " threads, " << speed.ratio_to_one_thread << " times as many as on one"
              << (speed.same_bytes ? "\n" : "; THE RESULTS DIFFER\n");
  return speed.same_bytes ? kDone : kFailed;
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
  if (arguments.starts > 0) return run_starts(arguments, schedule);
  const Speed speed = measure(arguments, schedule);
  JsonObject report;
  report.add("backend", "cpu").add("size", arguments.size).add("threads", arguments.threads);
  report.add("fft", FftFloor::name()).add("solver_fft", refine::make_loop(arguments.size)->kernel_name());
  report.add("iterations_per_second", speed.iterations).add("fft_floor_iterations_per_second", speed.floor);
  report.add("ratio_to_floor", speed.to_floor);
  if (arguments.threads > 1) report.add("ratio_to_one_thread", speed.to_one_thread);
  if (!schedule.shrink_wrap) report.add("shrink_wrap_cost", speed.shrink_wrap_cost);
  if (arguments.json)
    std::cout << report.text() << '\n';
  else
    std::cout << speed.iterations << " iterations/s, floor " << speed.floor << " (" << FftFloor::name()
              << "), ratio " << speed.to_floor << '\n';
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
  app->add_option("--frames", arguments->frames, "of a batch; default: one for each thread; cuda: by size")
      ->check(CLI::PositiveNumber);
  app->add_option("--threads", arguments->threads)->check(CLI::PositiveNumber)->capture_default_str();
  app->add_option("--starts", arguments->starts,
                  "cpu: one frame with so many starts on all threads, beside the same on one")
      ->check(CLI::PositiveNumber);
  app->add_option("--seconds", arguments->seconds, "cpu: of measurement; at least five rounds")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app->add_option("--schedule", arguments->schedule, "default: iterations*HIO");
  app->add_flag("--json", arguments->json, "one JSON object");
  return [arguments] { return run(*arguments); };
}

}  // namespace flashphase::tools
