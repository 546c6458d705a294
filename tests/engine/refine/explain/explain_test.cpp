#include "engine/refine/explain/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/refine/explain/effort.h"
#include "tests/engine/refine/particle.h"

namespace flashphase::refine {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr int kPattern = 16, kObject = 8;
constexpr std::size_t kCells = kObject * kObject;

/// What the solver was asked for one frame, and what it shall say.
struct Call {
  float pattern = 0;  ///< its first pixel, which names the frame
  std::string schedule;
  int starts = 0;
  std::complex<float> start;  ///< its first pixel
};
struct Answer {
  float residual = 1;
  std::complex<float> object = 1;  ///< everywhere
};

/// Answers as it is told and keeps a list.
class ScriptedSolver : public Solver {
 public:
  ScriptedSolver(std::vector<Call>& calls, std::function<Answer(const Call&)> answer)
      : calls_(calls), answer_(std::move(answer)) {}

  void solve(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule,
             Refined& out) override {
    out.objects = ObjectBatch(patterns.count, starts.size);
    out.objects.support = starts.support;
    out.iterations.assign(static_cast<std::size_t>(patterns.count), schedule.iterations());
    for (int i = 0; i < patterns.count; ++i) {
      const Call call{patterns.intensity_of(i)[0], schedule.text, starts.per_frame,
                      starts.object[static_cast<std::size_t>(i * starts.per_frame) * kCells]};
      calls_.push_back(call);
      const Answer answer = answer_(call);
      out.objects.residual[static_cast<std::size_t>(i)] = answer.residual;
      std::ranges::fill(out.objects.object_of(i), answer.object);
    }
  }

 private:
  std::vector<Call>& calls_;
  std::function<Answer(const Call&)> answer_;
};

class Explain : public testing::Test {
 protected:
  /// Patterns that are not whole numbers; the first pixel of frame i is i + 0.5.
  PatternBatch patterns(int count) const {
    PatternBatch batch(count, kPattern);
    std::ranges::fill(batch.intensity, 1.5f);
    for (int i = 0; i < count; ++i)
      batch.intensity[static_cast<std::size_t>(i) * batch.pattern_cells()] = static_cast<float>(i) + 0.5f;
    return batch;
  }
  /// The k-th start is k + 1 everywhere.
  Starts starts(int frames, int per_frame) const {
    Starts all{
        per_frame, kObject, {}, std::vector<std::uint8_t>(static_cast<std::size_t>(frames) * kCells, 1)};
    for (int i = 0; i < frames; ++i)
      for (int k = 0; k < per_frame; ++k)
        all.object.insert(all.object.end(), kCells, {static_cast<float>(k + 1), 0});
    return all;
  }
  Refined explain(int frames, int per_frame, std::function<Answer(const Call&)> answer,
                  const ExplainOptions& options = {}) {
    Refined out;
    make_explaining_solver(std::make_unique<ScriptedSolver>(calls, std::move(answer)), options)
        ->solve(patterns(frames), starts(frames, per_frame), parse_schedule("explain"), out);
    return out;
  }
  std::vector<std::string> schedules() const {
    std::vector<std::string> all;
    for (const Call& call : calls) all.push_back(call.schedule);
    return all;
  }

  std::vector<Call> calls;
};

const std::string kRest = "765*HIO+135*AER";

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

TEST_F(Explain, LeavesACountedPatternAloneWhoseStartNoiseExplains) {
  PatternBatch counted(1, kPattern);
  std::ranges::fill(counted.intensity, 3.0f);
  Refined out;
  make_explaining_solver(std::make_unique<ScriptedSolver>(calls, [](const Call&) {
    return Answer{1e-2f};
  }))->solve(counted, starts(1, 4), parse_schedule("explain"), out);
  EXPECT_THAT(schedules(), ElementsAre("1*ER"));
  EXPECT_THAT(out.outcomes, ElementsAre(Outcome::explained));
}

TEST_F(Explain, PolishesACountedPatternThatNoiseDoesNotExplainAsAskedFor) {
  PatternBatch counted(1, kPattern);
  std::ranges::fill(counted.intensity, 3.0f);
  Refined out;
  make_explaining_solver(std::make_unique<ScriptedSolver>(calls, [](const Call& call) {
    return Answer{call.starts == 4 ? 1e-2f : 0.9f};
  }))->solve(counted, starts(1, 4), parse_schedule("explain"), out);
  EXPECT_THAT(schedules(), ElementsAre("1*ER", "polish"));
  EXPECT_EQ(calls[1].starts, 4);
  EXPECT_THAT(out.iterations, ElementsAre(401));
}

TEST_F(Explain, TakesPhotonsThatAreNoWholeNumbersForCountedWhereItIsTold) {
  const Refined out = explain(1, 1, [](const Call&) { return Answer{1e-2f}; }, {.photons = true});
  EXPECT_THAT(schedules(), ElementsAre("1*ER"));
  EXPECT_THAT(out.outcomes, ElementsAre(Outcome::explained));
}

TEST_F(Explain, WhatIsGivenToAnEffortIsKeptUnlessABetterAnswerComes) {
  const PatternBatch pattern = patterns(1);
  Effort effort(kPattern, pattern.intensity_of(0), pattern.measured_of(0), starts(1, 2), {});
  effort.keep({std::vector<std::complex<float>>(kCells, 9), std::vector<std::uint8_t>(kCells, 1), 1e-4f});
  ScriptedSolver solver(calls,
                        [](const Call& call) { return Answer{call.start.real() == 1 ? 1e-3f : 1e-5f}; });
  Effort* const one = &effort;
  Effort::next_round(solver, {&one, 1});
  EXPECT_EQ(effort.best().residual, 1e-4f);
  EXPECT_EQ(effort.best().object[0], 9.0f);
  Effort::next_round(solver, {&one, 1});
  EXPECT_EQ(effort.best().residual, 1e-5f);
  EXPECT_EQ(effort.iterations(), 200);
  EXPECT_FALSE(effort.done());
}

TEST_F(Explain, OneRoundOfManyIsACallForEachStepThatTheyAreAt) {
  const PatternBatch all = patterns(3);
  std::vector<Effort> efforts;
  efforts.reserve(3);
  for (int i = 0; i < 3; ++i)
    efforts.emplace_back(kPattern, all.intensity_of(i), all.measured_of(i), starts(1, 1), ExplainOptions());
  ScriptedSolver solver(calls, [](const Call&) { return Answer{1e-3f}; });
  Effort* ahead = &efforts[1];
  Effort::next_round(solver, {&ahead, 1});
  calls.clear();
  std::vector<Effort*> pointers;
  for (Effort& effort : efforts) pointers.push_back(&effort);
  Effort::next_round(solver, pointers);
  EXPECT_THAT(schedules(), ElementsAre(kRest, "polish", "polish"));
  for (const Effort& effort : efforts) EXPECT_EQ(effort.iterations(), &effort == ahead ? 1000 : 100);
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
