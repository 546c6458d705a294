#include <gmock/gmock.h>

#include <numeric>

#include "engine/score/score.h"
#include "tests/engine/refine/particle.h"
#include "tests/engine/refine/solver_conformance.h"

namespace flashphase::refine {
namespace {

constexpr double kTolerance = 1e-4;  // of the object's norm; see tests/golden on how HIO amplifies rounding

Refined cpu(const PatternBatch& patterns, const Starts& starts, const char* schedule) {
  Refined refined;
  make_cpu_solver()->solve(patterns, starts, parse_schedule(schedule), refined);
  return refined;
}

void expect_near(const Refined& got, const Refined& expected, float tolerance) {
  EXPECT_EQ(got.iterations, expected.iterations);
  EXPECT_EQ(got.objects.support, expected.objects.support);
  for (int frame = 0; frame < expected.objects.count; ++frame) {
    const auto at = static_cast<std::size_t>(frame);
    EXPECT_NEAR(got.objects.residual[at], expected.objects.residual[at],
                tolerance * expected.objects.residual[at] + 1e-9f);
    double difference = 0, energy = 0;
    for (std::size_t i = 0; i < expected.objects.object_cells(); ++i) {
      const auto value = expected.objects.object_of(frame)[i];
      difference += static_cast<double>(std::norm(got.objects.object_of(frame)[i] - value));
      energy += static_cast<double>(std::norm(value));
    }
    EXPECT_LE(std::sqrt(difference), kTolerance * std::sqrt(energy)) << "frame " << frame;
  }
  const auto expect_values = [](const std::vector<float>& a, const std::vector<float>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 2e-3f * (1 + std::abs(b[i]))) << i;
  };
  expect_values(got.agreement, expected.agreement);
  expect_values(got.prtf, expected.prtf);
  expect_values(got.free_log_likelihood, expected.free_log_likelihood);
}

/// Particles of n pixels, one pixel in eleven unmeasured.
struct Problem {
  Problem(int n, int frames, int per_frame = 1) : patterns(frames, 2 * n), starts{1, n, {}, {}} {
    for (int frame = 0; frame < frames; ++frame) {
      const Particle particle(n, static_cast<unsigned>(frame) + 1);
      const PatternBatch pattern = particle.pattern(2 * n);
      std::ranges::copy(pattern.intensity, patterns.intensity.begin() +
                                               static_cast<std::ptrdiff_t>(pattern.intensity.size()) * frame);
      starts.object.insert(starts.object.end(), particle.start.begin(), particle.start.end());
      starts.support.insert(starts.support.end(), particle.support.begin(), particle.support.end());
    }
    for (std::size_t i = 0; i < patterns.measured.size(); i += 11) patterns.measured[i] = 0;
    if (per_frame > 1) add_perturbed_starts(starts, per_frame, 0.4f, 7);
  }

  PatternBatch patterns;
  Starts starts;
};

}  // namespace

void LikeTheCpu::expect_like_the_cpu(const PatternBatch& patterns, const Starts& starts,
                                     const std::vector<const char*>& schedules, float tolerance) {
  for (const char* schedule : schedules) {
    SCOPED_TRACE(schedule);
    expect_near(solve(patterns, starts, schedule), cpu(patterns, starts, schedule), tolerance);
  }
}

TEST_P(LikeTheCpu, InEveryIterationOfErrorReductionAndHybridInputOutput) {
  const Problem problem(16, 1);
  expect_like_the_cpu(
      problem.patterns, problem.starts,
      {"none", "ER", "2*ER", "5*ER", "20*ER", "50*ER", "AER", "2*AER", "20*AER", "HIO", "2*HIO", "5*HIO",
       "20*HIO", "40*HIO", "20*HIO+20*ER", "3*(5*HIO+2*ER)", "10*HIO+20*AER", "3*(4*AER+3*HIO)+2*ER+5*AER"});
}

TEST_P(LikeTheCpu, InEveryAlgorithmAndOption) {
  // Where a pixel sits on the edge of a condition rounding decides, so the conditions get fewer iterations.
  const Problem problem(16, 1);
  expect_like_the_cpu(problem.patterns, problem.starts,
                      {"12*RAAR", "12*DM", "12*RRR(beta=0.5)", "12*HPR", "12*SF", "10*OSS", "8*AER(real)",
                       "3*CHIO", "4*ER(positive)", "4*HIO(positive,real)", "4*RAAR(real)", "4*DM(positive)",
                       "4*RRR(positive,real)", "4*OSS(positive)", "5*DM+5*ER", "4*OSS+6*RAAR+2*DM+4*ER"});
}

TEST_P(LikeTheCpu, InEverySettingOfASchedule) {
  const Problem problem(16, 1);
  expect_like_the_cpu(
      problem.patterns, problem.starts,
      {"10*HIO+MOD(confidence=2)", "10*ER+MOD(bound=1.2)", "6*DM+6*ER+MOD(confidence=1,bound=0.5)",
       "60*ER+STOP(after=3,gain=0.3)", "60*ER+STOP(below=0.001)", "30*HIO+STOP(after=4,gain=0.5)",
       "12*ER+SW(from=4,every=4,sigma=2:0.5)", "20*AER+SW(from=4,every=5,sigma=1)",
       "50*AER+STOP(after=5,gain=0.5)", "10*HIO+10*ER+SW(from=0,every=5,area=0.6:0.2,grow=0)",
       "12*ER+SW(from=11,every=1,area=0.15,grow=3)", "8*HIO+SW(from=3,every=2,threshold=0.3,sigma=0)",
       "10*ER+SW(from=2,every=3,area=1)", "20*DM+10*ER+SW(from=5,every=5)+STOP(after=30)",
       "40*ER+SW(from=10,every=10,grow=0,threshold=0.2)+STOP(after=4,gain=0.2)"});
}

TEST_P(LikeTheCpu, AtEverySizeThatHasAKernelOfItsOwn) {
  for (const int n : {32, 40, 48, 49, 50, 56, 60, 64}) {
    const Problem problem(n, 1);
    SCOPED_TRACE(n);
    expect_like_the_cpu(
        problem.patterns, problem.starts,
        {"5*ER", "10*HIO+4*ER+SW(from=6,every=6)", "6*AER", "3*DM", "3*OSS+MOD(confidence=1)"});
  }
}

TEST_P(LikeTheCpu, AtSizesOfOtherFactors) {
  if (!GetParam().any_size) GTEST_SKIP() << "has its own sizes";
  for (const int n : {8, 27, 53, 63, 80, 127}) {
    const Problem problem(n, 1);
    SCOPED_TRACE(n);
    expect_like_the_cpu(problem.patterns, problem.starts, {"5*ER", "6*HIO+4*AER+SW(from=6,every=6)"});
  }
}

TEST_P(LikeTheCpu, WhereTheObjectIsFarSmallerThanHalfThePattern) {
  for (const int n : {1, 5, 11}) {
    Particle particle(n);
    if (n == 1) particle.support = {1}, particle.object = {2}, particle.start = {1};
    const PatternBatch pattern = particle.pattern(32);
    SCOPED_TRACE(n);
    expect_like_the_cpu(pattern, particle.starts(), {"5*ER", "3*HIO+3*AER+SW(from=2,every=2)", "none"});
  }
}

TEST_P(LikeTheCpu, ForManyFramesAndStartsAtOnce) {
  const Problem problem(16, 7, 3);
  expect_like_the_cpu(problem.patterns, problem.starts, {"10*HIO+5*ER"});
}

TEST_P(LikeTheCpu, WithAnUpperLimitOnTheSupport) {
  Problem problem(16, 2);
  std::vector<std::uint8_t> limit(problem.starts.support.size(), 1);
  for (std::size_t i = 0; i < limit.size(); i += 16) limit[i] = limit[i + 1] = limit[i + 5] = 0;
  confine(problem.starts, limit);
  expect_like_the_cpu(problem.patterns, problem.starts,
                      {"5*ER", "12*ER+SW(from=4,every=4,grow=2)", "8*HIO+SW(from=2,every=5,area=0.4)"});
}

TEST_P(LikeTheCpu, InWhatIsDoneWithManyStarts) {
  Problem problem(16, 4, 5);
  for (float& value : problem.patterns.intensity) value *= 50;
  for (const Choosing& choosing :
       {Choosing{.by = Choice::agreement}, Choosing{.average = Averaging::always},
        Choosing{.confidence = true}, Choosing{.by = Choice::free_log_likelihood, .held_out = 0.05f},
        Choosing{.generations = 3}, Choosing{.like_first_start = true},
        Choosing{.by = Choice::agreement,
        .average = Averaging::always,
        .held_out = 0.1f,
        .generations = 2,
        .like_first_start = true}}) {
    problem.starts.choosing = choosing;
    // Sub-pixel alignment for the average follows the last bits of its input.
    expect_like_the_cpu(problem.patterns, problem.starts, {"10*HIO+20*ER"}, 1e-3f);
  }
}

TEST_P(LikeTheCpu, WithFramesWithoutSignalAmongOthers) {
  Problem problem(16, 5);
  for (const int dark : {0, 3}) {
    const auto first = problem.patterns.intensity.begin() + 32 * 32 * dark;
    std::fill(first, first + 32 * 32, 0.0f);
  }
  expect_like_the_cpu(problem.patterns, problem.starts, {"10*HIO+5*ER"});
}

}  // namespace flashphase::refine
