#include <gmock/gmock.h>

#include <functional>
#include <limits>
#include <stdexcept>

#include "engine/refine/solver.h"
#include "tests/engine/refine/particle.h"
#include "tests/engine/refine/solver_conformance.h"

namespace flashphase::refine {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr int kN = 16;
constexpr int kM = 32;

/// Every kind of iteration, choice and setting.
constexpr const char* kSchedules[] = {
    "none",
    "30*HIO+10*ER+SW(from=0,every=3,sigma=2:0)",
    "20*RAAR+20*DM+10*RRR+10*SF+10*HPR+SW(from=0,every=7,area=0.2)",
    "20*CHIO+20*OSS+10*ER(positive)+MOD(confidence=2,bound=1)+STOP(after=20)",
};

void expect_sane(Solver& solver, const PatternBatch& patterns, Starts starts) {
  add_random_starts(starts, 3, 1);
  for (const bool many : {false, true}) {
    if (many) {
      starts.choosing = {.by = Choice::agreement,
                         .average = Averaging::always,
                         .held_out = 0.1f,
                         .generations = 2,
                         .like_first_start = true};
    }
    for (const char* schedule : kSchedules) {
      Refined refined;
      solver.solve(patterns, starts, parse_schedule(schedule), refined);
      SCOPED_TRACE(schedule);
      for (const auto value : refined.objects.object) {
        ASSERT_TRUE(std::isfinite(value.real()) && std::isfinite(value.imag()));
      }
      for (const auto* numbers :
           {&refined.objects.residual, &refined.agreement, &refined.prtf, &refined.free_log_likelihood}) {
        for (const float value : *numbers) ASSERT_TRUE(std::isfinite(value));
      }
      ASSERT_GE(refined.objects.residual[0], 0);
      ASSERT_LE(refined.objects.residual[0], 1);
    }
  }
}

PatternBatch one_bright_pixel(float value, std::size_t at) {
  PatternBatch pattern(1, kM);
  pattern.intensity[at] = value;
  return pattern;
}

TEST_P(BadInput, OneBrightPixelGivesADefinedResult) {
  const Particle particle(kN);
  expect_sane(*make(), one_bright_pixel(1, 0), particle.starts());
  expect_sane(*make(), one_bright_pixel(3e38f, kM * kM / 2 + kM / 2), particle.starts());
  expect_sane(*make(), one_bright_pixel(1e-44f, 77), particle.starts());
}

TEST_P(BadInput, AZeroPatternGivesAZeroObject) {
  expect_sane(*make(), PatternBatch(1, kM), Particle(kN).starts());
}

TEST_P(BadInput, AStartOfZerosGivesADefinedResult) {
  const Particle particle(kN);
  Starts starts = particle.starts();
  std::fill(starts.object.begin(), starts.object.end(), 0.0f);
  expect_sane(*make(), particle.pattern(kM), starts);
}

TEST_P(BadInput, ASupportOfOnePixelGivesADefinedResult) {
  const Particle particle(kN);
  Starts starts = particle.starts();
  std::fill(starts.support.begin(), starts.support.end(), std::uint8_t{0});
  starts.support[kN * kN / 2 + kN / 2] = 1;
  expect_sane(*make(), particle.pattern(kM), starts);
}

TEST_P(BadInput, NearlyNothingMeasuredGivesADefinedResult) {
  const Particle particle(kN);
  PatternBatch pattern = particle.pattern(kM);
  std::fill(pattern.measured.begin() + 1, pattern.measured.end(), std::uint8_t{0});
  expect_sane(*make(), pattern, particle.starts());
}

TEST_P(BadInput, TheSmallestPatternGivesADefinedResult) {
  if (!GetParam().any_size) GTEST_SKIP() << "has its own sizes";
  PatternBatch pattern(1, 2);
  pattern.intensity = {4, 1, 0, 2};
  expect_sane(*make(), pattern, {1, 1, {1}, {1}});
}

TEST_P(BadInput, LargePrimeSizesAreSolved) {
  if (!GetParam().any_size) GTEST_SKIP() << "has its own sizes";
  const Particle particle(11);
  expect_sane(*make(), particle.pattern(23), particle.starts());
  expect_sane(*make(), particle.pattern(29), particle.starts());
}

TEST_P(BadInput, APatternOfOnePixelHasNoRoomForAnObject) {
  PatternBatch pattern(1, 1);
  Refined refined;
  EXPECT_THAT(
      [&] {
        make()->solve(pattern, {1, 1, {1}, {1}}, parse_schedule("ER"), refined);
      },
      ThrowsMessage<std::invalid_argument>(HasSubstr("from 1 to half the pattern's (0)")));
}

TEST_P(BadInput, AFrameThatIsNotSquareIsRefused) {
  const Particle particle(kN);
  PatternBatch pattern = particle.pattern(kM);
  pattern.intensity.resize(kM * (kM - 1));
  pattern.measured.resize(kM * (kM - 1));
  Refined refined;
  EXPECT_THAT([&] { make()->solve(pattern, particle.starts(), parse_schedule("ER"), refined); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("[B, m, m]")));
}

TEST_P(BadInput, AChoiceThatCannotBeMadeIsRefused) {
  const Particle particle(kN);
  const auto refuses = [&](const char* what, const Choosing& choosing) {
    Starts starts = particle.starts();
    starts.choosing = choosing;
    Refined refined;
    EXPECT_THAT([&] { make()->solve(particle.pattern(kM), starts, parse_schedule("ER"), refined); },
                ThrowsMessage<std::invalid_argument>(HasSubstr(what)));
  };
  refuses("can be held out", {.held_out = 0.5f});
  refuses("can be held out", {.held_out = -0.1f});
  refuses("can be held out", {.held_out = std::numeric_limits<float>::quiet_NaN()});
  refuses("some must be held out", {.by = Choice::free_log_likelihood});
  refuses("fewer than 0 iterations", {.settle = -1});
  refuses("at least one generation", {.generations = 0});
}

TEST_P(BadInput, WhatOneFrameLeavesBehindSpoilsNoLaterOne) {
  const Particle particle(kN);
  PatternBatch huge = particle.pattern(kM);
  for (float& value : huge.intensity) value *= 1e34f;
  Starts starts = particle.starts();
  for (auto& value : starts.object) value *= 1e37f;
  for (const char* schedule : {"30*AER", "5*HIO+10*AER+5*DM+SW(from=0,every=3)", "10*OSS+5*AER"}) {
    const auto solver = make();
    Refined refined;
    solver->solve(huge, starts, parse_schedule(schedule), refined);
    solver->solve(particle.pattern(kM), particle.starts(), parse_schedule(schedule), refined);
    SCOPED_TRACE(schedule);
    expect_same(refined.objects.object,
                solve(particle.pattern(kM), particle.starts(), schedule).objects.object);
  }
}

TEST_P(BadInput, TimeRunsOutWithoutAHang) {
  const Particle particle(kN);
  Refined refined;
  make(std::chrono::nanoseconds(0))
      ->solve(particle.pattern(kM), particle.starts(), parse_schedule("1000000*DM"), refined);
  EXPECT_EQ(refined.iterations[0], 0);
}

}  // namespace
}  // namespace flashphase::refine
