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
#include "engine/simulate/random.h"
#include "tools/bench/commands.h"
#include "tools/bench/fft_floor.h"
#include "tools/json.h"
#include "tools/program.h"

namespace flashphase::tools {
namespace {

struct Arguments {
  int size = 64;
  int iterations = 600;
  int frames = 64;
  int threads = 1;
  std::string schedule;
  bool json = false;
};

struct Problem {
  PatternBatch patterns;
  refine::Starts starts;
};

/// Discs of random complex values and random starts on the right support: the speed does not depend on the
/// image.
Problem make_problem(int frames, int m, std::uint64_t seed) {
  const int n = m / 2;
  const std::size_t object_cells = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  Problem problem{PatternBatch(frames, m), {}};
  problem.starts.size = n;
  fft::Fft2 fft(m);
  fft::AlignedFloats re(problem.patterns.pattern_cells()), im(problem.patterns.pattern_cells());
  simulate::Random random(seed, 0);
  for (int f = 0; f < frames; ++f) {
    std::fill(re.span().begin(), re.span().end(), 0.0f);
    std::fill(im.span().begin(), im.span().end(), 0.0f);
    for (std::size_t i = 0; i < object_cells; ++i) {
      const int y = static_cast<int>(i) / n, x = static_cast<int>(i) % n;
      const bool inside = std::hypot(y - n / 2, x - n / 2) < 0.4 * n;
      problem.starts.support.push_back(inside);
      problem.starts.object.emplace_back(inside ? random.normal() : 0.0f, inside ? random.normal() : 0.0f);
      const std::size_t at =
          static_cast<std::size_t>(y) * static_cast<std::size_t>(m) + static_cast<std::size_t>(x);
      re[at] = inside ? random.normal() : 0.0f;
      im[at] = inside ? random.normal() : 0.0f;
    }
    fft.forward(re.data(), im.data());
    float* intensity =
        problem.patterns.intensity.data() + static_cast<std::size_t>(f) * problem.patterns.pattern_cells();
    for (int kx = 0; kx < m; ++kx)
      for (int ky = 0; ky < m; ++ky) {
        const std::size_t from =
            static_cast<std::size_t>(kx) * static_cast<std::size_t>(m) + static_cast<std::size_t>(ky);
        const std::size_t row = static_cast<std::size_t>((ky + m / 2) % m),
                          column = static_cast<std::size_t>((kx + m / 2) % m);
        intensity[row * static_cast<std::size_t>(m) + column] = re[from] * re[from] + im[from] * im[from];
      }
  }
  return problem;
}

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

double measure_solver(const Arguments& arguments, const refine::Schedule& schedule) {
  struct Lane {
    Problem problem;
    std::unique_ptr<refine::Solver> solver = refine::make_cpu_solver();
    refine::Refined refined{};
  };
  std::vector<Lane> lanes;
  int frames = 0;
  for (int t = 0; t < arguments.threads; ++t) {
    const int share = (arguments.frames + arguments.threads - 1 - t) / arguments.threads;
    if (share == 0) break;
    lanes.push_back({make_problem(share, arguments.size, static_cast<std::uint64_t>(t) + 1)});
    frames += share;
  }
  const auto run = [&](int t) {
    Lane& lane = lanes[static_cast<std::size_t>(t)];
    lane.solver->solve(lane.problem.patterns, lane.problem.starts, schedule, lane.refined);
  };
  const int threads = static_cast<int>(lanes.size());
  timed(threads, run);
  return static_cast<double>(frames) * schedule.iterations() / timed(threads, run);
}

int run(const Arguments& arguments) {
  const refine::Schedule schedule = refine::parse_schedule(
      arguments.schedule.empty() ? std::to_string(arguments.iterations) + "*HIO" : arguments.schedule);
  const int pairs =
      std::max(20, static_cast<int>(2e8 / std::pow(arguments.size, 2) / std::log2(arguments.size) / 10));
  const double floor = measure_floor(arguments.size, arguments.threads, pairs);
  const double speed = measure_solver(arguments, schedule);
  JsonObject report;
  report.add("backend", "cpu").add("size", arguments.size).add("threads", arguments.threads);
  report.add("fft", FftFloor::name()).add("solver_fft", fft::instruction_set());
  report.add("iterations_per_second", speed).add("fft_floor_iterations_per_second", floor);
  report.add("ratio_to_floor", speed / floor);
  if (arguments.json)
    std::cout << report.text() << '\n';
  else
    std::cout << speed << " iterations/s, floor " << floor << " (" << FftFloor::name() << "), ratio "
              << speed / floor << '\n';
  return kDone;
}

}  // namespace

Command add_bench_refine(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("refine", "iterations per second of the solver beside its two FFTs");
  auto arguments = std::make_shared<Arguments>();
  app->add_option("--size", arguments->size, "edge of the pattern, pixels")
      ->check(CLI::Range(8, 4096))
      ->capture_default_str();
  app->add_option("--iterations", arguments->iterations)->check(CLI::PositiveNumber)->capture_default_str();
  app->add_option("--frames", arguments->frames)->check(CLI::PositiveNumber)->capture_default_str();
  app->add_option("--threads", arguments->threads)->check(CLI::PositiveNumber)->capture_default_str();
  app->add_option("--schedule", arguments->schedule, "default: iterations*HIO");
  app->add_flag("--json", arguments->json, "one JSON object");
  return [arguments] { return run(*arguments); };
}

}  // namespace flashphase::tools
