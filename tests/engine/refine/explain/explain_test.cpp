#include "engine/refine/explain/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <memory>
#include <stdexcept>
#include <vector>

#include "tests/engine/refine/explain/scripted_solver.h"
#include "tests/engine/refine/particle.h"

namespace flashphase::refine {
namespace {

using testing::Each;
using testing::ElementsAre;

TEST_F(Explain, IsLeftAsSoonAsItsResidualIsExplained) {
  const Refined out =
      explain(1, 4, [](const Call& call) { return Answer{call.start.real() == 2 ? 1e-7f : 1e-4f}; });
  EXPECT_THAT(schedules(), ElementsAre("polish", "polish")) << "not the other two starts";
  EXPECT_EQ(out.objects.residual[0], 1e-7f);
  EXPECT_THAT(out.outcomes, ElementsAre(Outcome::explained));
  EXPECT_THAT(out.iterations, ElementsAre(200));
}

TEST_F(Explain, GoesOnFromTheBestFirstAndThenFromRandomStarts) {
  explain(1, 2, [this](const Call& call) {
    const bool second = call.start.real() == 2;
    if (call.schedule == "polish") return Answer{second ? 1e-5f : 1e-4f, call.start};
    return Answer{calls.size() == 6 ? 1e-7f : 1e-3f, {static_cast<float>(calls.size()), 1}};
  });
  EXPECT_THAT(schedules(), ElementsAre("polish", "polish", kRest, kRest, "thorough", "thorough"));
  EXPECT_EQ(calls[2].start.real(), 2) << "whose residual is lower";
  EXPECT_EQ(calls[3].start.real(), 1);
  EXPECT_NE(calls[4].start, calls[5].start);
}

TEST_F(Explain, NeverGivesAWorseAnswerThanItHad) {
  const Refined out = explain(1, 1,
                              [](const Call& call) {
                                return call.schedule == "polish" ? Answer{1e-5f, 7} : Answer{1e-3f, 3};
                              },
                              {.iterations = 5000});
  EXPECT_EQ(out.objects.residual[0], 1e-5f);
  EXPECT_THAT(out.objects.object, Each(std::complex<float>(7)));
}

TEST_F(Explain, OneThatCannotBeExplainedSpendsItsIterationsOnceAndHoldsUpNoOther) {
  int answers = 0;
  const Refined out = explain(3, 1,
                              [&](const Call& call) {
                                // Residuals far from each other: nothing is reproduced.
                                return Answer{call.pattern == 1.5f ? std::ldexp(1.0f, -++answers) : 1e-9f};
                              },
                              {.iterations = 4500});
  EXPECT_THAT(out.outcomes, ElementsAre(Outcome::explained, Outcome::given_up, Outcome::explained));
  EXPECT_THAT(out.iterations, ElementsAre(100, 4000, 100));
}

TEST_F(Explain, WhatARandomStartComesToAgainIsReproduced) {
  const Refined out = explain(1, 1, [](const Call&) { return Answer{1e-5f, 3}; });
  EXPECT_THAT(schedules(), ElementsAre("polish", kRest, "thorough"))
      << "the second is no independent start of the first";
  EXPECT_THAT(out.outcomes, ElementsAre(Outcome::reproduced));
}

TEST_F(Explain, AnImageThatFitsOtherwiseIsNotReproduced) {
  const Refined out = explain(1, 1,
                              [&](const Call&) {
                                return Answer{calls.size() == 1 ? 1e-5f : 2e-5f, 3};
                              },
                              {.iterations = 4000});
  EXPECT_EQ(calls.size(), 5u);
  EXPECT_THAT(out.outcomes, ElementsAre(Outcome::given_up));
}

TEST_F(Explain, WhatAFrameGetsDoesNotDependOnTheFramesBesideIt) {
  const auto answer = [](const Call& call) {
    // Something of its own for each pattern and start.
    const float mixed = std::abs(std::sin(100 * call.pattern + 37 * call.start.real()));
    return Answer{1e-5f * mixed, {mixed, call.start.imag()}};
  };
  const Refined together = explain(3, 2, answer);
  for (int i = 0; i < 3; ++i) {
    PatternBatch one = patterns(3);
    std::copy_n(one.intensity.begin() + i * kPattern * kPattern, kPattern * kPattern, one.intensity.begin());
    one.intensity.resize(kPattern * kPattern);
    one.measured.resize(kPattern * kPattern);
    one.count = 1;
    Refined alone;
    make_explaining_solver(std::make_unique<ScriptedSolver>(calls, answer))
        ->solve(one, starts(1, 2), parse_schedule("explain"), alone);
    const auto at = static_cast<std::size_t>(i);
    EXPECT_EQ(alone.objects.residual[0], together.objects.residual[at]);
    EXPECT_EQ(alone.iterations[0], together.iterations[at]);
    EXPECT_EQ(alone.outcomes[0], together.outcomes[at]);
  }
}

TEST_F(Explain, HasMaximumLikelihoodComputedElsewhereForASolverThatHasNone) {
  class WithoutIt : public ScriptedSolver {
   public:
    using ScriptedSolver::ScriptedSolver;
    bool has(Algorithm algorithm) const override { return algorithm != Algorithm::ml; }
  };
  const Particle particle(kObject);
  PatternBatch pattern = particle.pattern(kPattern);
  for (float& value : pattern.intensity) value = std::round(value);
  Refined out;
  make_explaining_solver(std::make_unique<WithoutIt>(calls, [](const Call&) { return Answer{0.9f}; }),
                         {.iterations = 1200})
      ->solve(pattern, particle.starts(), parse_schedule("explain"), out);
  EXPECT_THAT(schedules(), ElementsAre("polish", kRest));
  EXPECT_LT(out.objects.residual[0], 0.5f);
}

TEST_F(Explain, OtherSchedulesGoThroughAsTheyAre) {
  Refined out;
  make_explaining_solver(std::make_unique<ScriptedSolver>(calls, [](const Call&) {
    return Answer{1e-9f};
  }))->solve(patterns(2), starts(2, 3), parse_schedule("20*ER"), out);
  EXPECT_THAT(schedules(), ElementsAre("20*ER", "20*ER"));
  EXPECT_EQ(calls[0].starts, 3);
  EXPECT_TRUE(out.outcomes.empty());
}

TEST_F(Explain, SaysWhatItCannotDo) {
  const auto solve = [this](const Choosing& choosing) {
    Starts all = starts(1, 2);
    all.choosing = choosing;
    Refined out;
    make_explaining_solver(make_cpu_solver())->solve(patterns(1), all, parse_schedule("explain"), out);
  };
  EXPECT_THROW(solve({.held_out = 0.1f}), std::invalid_argument);
  EXPECT_THROW(solve({.generations = 2}), std::invalid_argument);
  EXPECT_THROW(solve({.by = Choice::agreement}), std::invalid_argument);
  EXPECT_THROW(make_explaining_solver(make_cpu_solver(), {.iterations = 0}), std::invalid_argument);
  Refined out;
  EXPECT_THROW(make_cpu_solver()->solve(patterns(1), starts(1, 1), parse_schedule("explain"), out),
               std::invalid_argument)
      << "a solver that would run it once";
}

TEST_F(Explain, ADarkPatternEnds) {
  PatternBatch dark(1, kPattern);
  std::ranges::fill(dark.intensity, 0.0f);
  Refined out;
  make_explaining_solver(make_cpu_solver())->solve(dark, starts(1, 2), parse_schedule("explain"), out);
  EXPECT_THAT(out.outcomes, ElementsAre(Outcome::given_up));
  EXPECT_THAT(out.objects.object, Each(std::complex<float>()));
  EXPECT_EQ(out.objects.residual[0], 1.0f);
}

TEST(ExplainForReal, FindsObjectsThatPolishLeavesWrong) {
  const auto solver = make_explaining_solver(make_cpu_solver());
  int polished = 0, explained = 0;
  for (unsigned seed = 1; seed <= 6; ++seed) {
    const Particle particle(32, seed);
    Starts starts{0, 32, {}, particle.support};
    add_random_starts(starts, 1, seed);
    Refined out;
    solver->solve(particle.pattern(64), starts, parse_schedule("polish"), out);
    polished += out.objects.residual[0] < ExplainOptions().exact;
    solver->solve(particle.pattern(64), starts, parse_schedule("explain"), out);
    explained += out.outcomes[0] == Outcome::explained;
    EXPECT_EQ(out.outcomes[0] == Outcome::explained, out.objects.residual[0] <= ExplainOptions().exact);
  }
  EXPECT_LT(polished, 6) << "or this test shows nothing";
  EXPECT_EQ(explained, 6);
}

}  // namespace
}  // namespace flashphase::refine
