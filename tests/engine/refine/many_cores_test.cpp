#include <gmock/gmock.h>

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <vector>

#include "engine/refine/solver.h"
#include "tests/engine/refine/particle.h"

/// What comes out of the CPU's solver does not depend on how many threads work on it.
namespace flashphase::refine {
namespace {

constexpr int kN = 16;

struct Problem {
  PatternBatch patterns;
  Starts starts;
};

/// `frames` particles, the second one dark, with `per_frame` starts each.
Problem problem_of(int frames, int per_frame, int n = kN) {
  Problem problem{PatternBatch(frames, 2 * n), Particle(n).starts()};
  problem.starts.object.clear();
  problem.starts.support.clear();
  problem.patterns.intensity.clear();
  for (int i = 0; i < frames; ++i) {
    const Particle particle(n, static_cast<unsigned>(i + 1));
    PatternBatch pattern = particle.pattern(2 * n);
    if (i == 1) std::ranges::fill(pattern.intensity, 0.0f);
    const Starts one = particle.starts();
    const auto add = [](auto& all, const auto& more) { all.insert(all.end(), more.begin(), more.end()); };
    add(problem.patterns.intensity, pattern.intensity);
    add(problem.starts.object, one.object);
    add(problem.starts.support, one.support);
  }
  add_perturbed_starts(problem.starts, per_frame, 2, 3);
  return problem;
}

Refined solved(Solver& solver, const Problem& problem, const char* schedule) {
  Refined refined;
  solver.solve(problem.patterns, problem.starts, parse_schedule(schedule), refined);
  return refined;
}

void expect_same(const Refined& got, const Refined& expected) {
  EXPECT_EQ(got.objects.object, expected.objects.object);
  EXPECT_EQ(got.objects.support, expected.objects.support);
  EXPECT_EQ(got.objects.residual, expected.objects.residual);
  EXPECT_EQ(got.iterations, expected.iterations);
  EXPECT_EQ(got.agreement, expected.agreement);
  EXPECT_EQ(got.prtf, expected.prtf);
  EXPECT_EQ(got.free_log_likelihood, expected.free_log_likelihood);
}

constexpr const char* kSchedule = "20*HIO+10*AER+SW(from=5,every=10)";

TEST(ManyCores, GiveTheSameBytesAsOne) {
  std::vector<Choosing> choosings(5);
  choosings[1].average = Averaging::always;
  choosings[2] = {.by = Choice::agreement, .confidence = true, .generations = 3};
  choosings[3] = {.by = Choice::free_log_likelihood, .held_out = 0.05f};
  choosings[4] = {
      .average = Averaging::always, .held_out = 0.05f, .generations = 2, .like_first_start = true};
  for (const Choosing& choosing : choosings)
    for (const int frames : {1, 5}) {
      Problem problem = problem_of(frames, 7);
      problem.starts.choosing = choosing;
      const Refined expected = solved(*make_cpu_solver(), problem, kSchedule);
      for (const int cores : {2, 3, 16})
        expect_same(solved(*make_cpu_solver({.cores = cores}), problem, kSchedule), expected);
    }
}

TEST(ManyCores, ServeSolversThatShareThem) {
  const std::vector<Problem> problems{problem_of(1, 9), problem_of(4, 2), problem_of(2, 3, 8)};
  std::vector<Refined> expected;
  for (const Problem& problem : problems) expected.push_back(solved(*make_cpu_solver(), problem, kSchedule));
  const auto solvers = make_cpu_solvers(3, {.cores = 2});
  std::vector<std::jthread> callers;
  for (std::size_t caller = 0; caller < solvers.size(); ++caller)
    callers.emplace_back([&, caller] {
      for (std::size_t turn = 0; turn < 2 * problems.size(); ++turn) {  // each in other shapes at once
        const std::size_t which = (caller + turn) % problems.size();
        expect_same(solved(*solvers[caller], problems[which], kSchedule), expected[which]);
      }
    });
}

TEST(ManyCores, LeaveTheTimeLimitToEachStart) {
  for (const int cores : {1, 3}) {
    const Refined none = solved(*make_cpu_solver({.time_limit = std::chrono::nanoseconds(0), .cores = cores}),
                                problem_of(3, 4), kSchedule);
    EXPECT_THAT(none.iterations, testing::Each(0));
  }
}

TEST(ManyCores, AreOneAtLeast) {
  EXPECT_THROW(make_cpu_solver({.cores = 0}), std::invalid_argument);
  EXPECT_THROW(make_cpu_solvers(2, {.cores = -1}), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::refine
