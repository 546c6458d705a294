#include "engine/refine/explain/effort.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/score/align.h"
#include "engine/score/score.h"
#include "tests/engine/refine/explain/scripted_solver.h"
#include "tests/engine/refine/particle.h"

namespace flashphase::refine {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

using Efforts = Explain;

/// What becomes of a counted pattern of 768 photons, with a support of 64 pixels and two starts, that begins
/// with the answer 9 of residual 0.03; residuals of ML from the starts, of that after polish, and after the
/// rest of thorough.
class NoisyEffort : public Explain {
 protected:
  NoisyEffort() { std::ranges::fill(counted.intensity, 3.0f); }

  Effort explain(float likelihood, float polished, float thorough, const ExplainOptions& options = {}) {
    ScriptedSolver solver(calls, [&](const Call& call) {
      if (call.schedule != "60*ML") return Answer{1e-9f, 10};
      const std::string before = calls.size() < 2 ? "" : calls[calls.size() - 2].schedule;
      if (call.start.real() < 10) return Answer{call.start.real() == 1 ? likelihood : 0.9f, 2};
      return before == "polish" ? Answer{polished, 3} : Answer{thorough, 4};
    });
    Effort effort(kPattern, counted.intensity_of(0), counted.measured_of(0), starts(1, 2), options);
    effort.begin_with(
        {std::vector<std::complex<float>>(kCells, 9), std::vector<std::uint8_t>(kCells, 1), 0.03f});
    Effort* const one = &effort;
    while (!effort.done()) Effort::next_round(solver, solver, {&one, 1});
    return effort;
  }
  static constexpr float kLeave = 0.04f * kCells / (2 * 768), kSearched = 5.0f / (2 * 768);

  PatternBatch counted{1, kPattern};
};

TEST_F(NoisyEffort, IsTriedFromEveryStartAndEndsInMaximumLikelihoodBeforeNoiseExplainsIt) {
  const Effort effort = explain(0.03f, 0.03f, 0.03f);
  EXPECT_THAT(schedules(), ElementsAre("60*ML", "60*ML", "polish", "60*ML", "polish", "60*ML", kRest, "60*ML",
                                       kRest, "60*ML"));
  EXPECT_EQ(effort.outcome(), Outcome::explained) << "and no random start";
  EXPECT_EQ(effort.iterations(), 2 * (60 + 160 + 960));
}

TEST_F(NoisyEffort, KeepsWhatItBeganWithWhereIterationsGainNoMoreThanNoiseGives) {
  const float enough = 0.03f - kLeave;
  EXPECT_EQ(explain(enough * 1.001f, enough - 0.9f * kSearched, enough - 0.9f * kSearched).best().object[0],
            9.0f);
}

TEST_F(NoisyEffort, LeavesItForAHigherLikelihood) {
  const float found = 0.03f - 1.01f * kLeave;
  const Effort effort = explain(found, found - 0.9f * kSearched, found - 0.9f * kSearched);
  EXPECT_EQ(effort.best().object[0], 2.0f) << "what is searched for has to gain more";
  EXPECT_EQ(effort.best().residual, found);
}

TEST_F(NoisyEffort, TakesWhatIsFoundWhereThatIsClearlyMoreLikely) {
  EXPECT_EQ(explain(0.9f, 0.03f - kLeave - 1.1f * kSearched, 0.9f).best().object[0], 3.0f);
  EXPECT_EQ(explain(0.02f, 0.02f, 0.02f - 1.1f * kSearched).best().object[0], 4.0f);
}

TEST_F(NoisyEffort, SpendsNoMoreThanItsBudgetAndMayBeExplainedThen) {
  const Effort effort = explain(0.02f, 0.02f, 0.02f, {.iterations = 279});
  EXPECT_THAT(schedules(), ElementsAre("60*ML", "60*ML"));
  EXPECT_EQ(effort.outcome(), Outcome::explained);
  EXPECT_EQ(explain(0.02f, 0.02f, 0.02f, {.noise = 1e-3f, .iterations = 279}).outcome(), Outcome::given_up);
}

TEST_F(NoisyEffort, WithSoManyPhotonsThatNoiseIsLessThanTheSupportCutsOffIsWorkedOnAsWithoutNoise) {
  std::ranges::fill(counted.intensity, 3e6f);
  explain(0.9f, 0.9f, 0.9f);
  EXPECT_EQ(calls[0].schedule, "polish");
  EXPECT_THAT(schedules(), Not(Contains("60*ML")));
}

TEST_F(NoisyEffort, PhotonsThatAreNoWholeNumbersCountAsCountedWhereItIsTold) {
  std::ranges::fill(counted.intensity, 3.5f);
  explain(0.03f, 0.03f, 0.03f, {.photons = true});
  EXPECT_EQ(calls[0].schedule, "60*ML");
}

TEST_F(NoisyEffort, GivesTheAverageOfWhatDisagreesIfNoiseExplainsThatToo) {
  const auto found = [&](float noise) {
    calls.clear();
    ScriptedSolver solver(calls, [&](const Call&) {
      return Answer{0.02f, 1, static_cast<unsigned>(calls.size())};
    });
    Effort effort(kPattern, counted.intensity_of(0), counted.measured_of(0), starts(1, 2), {.noise = noise});
    Effort* const one = &effort;
    while (!effort.done()) Effort::next_round(solver, solver, {&one, 1});
    return effort;
  };
  const Effort average = found(2), lowest = found(0.05f);
  std::ranges::fill(counted.intensity, 300.0f);
  EXPECT_EQ(found(50).best().residual, 0.02f) << "of many photons the lowest residual tells";
  ASSERT_TRUE(average.confidence());
  EXPECT_LT(average.confidence()->agreement, 0.93f);
  EXPECT_EQ(average.outcome(), Outcome::explained);
  EXPECT_NE(average.best().residual, 0.02f);
  EXPECT_LE(average.excess(), 1);
  EXPECT_LE(score::ModulusScorer(kPattern)(counted.intensity_of(0), counted.measured_of(0),
                                           average.best().object, kObject),
            average.best().residual * 1.001f);
  EXPECT_EQ(lowest.best().residual, 0.02f) << "an average that fits worse than noise allows stays inside";
}

TEST_F(NoisyEffort, SaysHowFarWhatWasFoundAgrees) {
  const Effort effort = explain(0.02f, 0.02f, 0.02f);
  ASSERT_TRUE(effort.confidence());
  EXPECT_NEAR(effort.confidence()->agreement, 1, 1e-3f) << "all the same but for a factor";
  EXPECT_THAT(effort.confidence()->prtf, testing::SizeIs(kPattern / 2 + 1));
  EXPECT_EQ(effort.best().residual, 0.02f);
}

TEST_F(Efforts, ThatOneAnswerExplainsHasNoAgreement) {
  const Refined out = explain(1, 2, [](const Call&) { return Answer{1e-9f}; });
  ASSERT_THAT(out.agreement, testing::SizeIs(1));
  EXPECT_TRUE(std::isnan(out.agreement[0]));
  ASSERT_THAT(out.prtf, testing::SizeIs(kPattern / 2 + 1));
  EXPECT_TRUE(std::isnan(out.prtf[0]));
  EXPECT_NEAR(explain(1, 2, [](const Call&) { return Answer{1e-3f}; }).agreement.at(0), 1, 1e-3f);
}

TEST_F(Efforts, WhatAnEffortBeginsWithIsKeptUnlessABetterAnswerComes) {
  const PatternBatch pattern = patterns(1);
  Effort effort(kPattern, pattern.intensity_of(0), pattern.measured_of(0), starts(1, 2), {});
  effort.begin_with(
      {std::vector<std::complex<float>>(kCells, 9), std::vector<std::uint8_t>(kCells, 1), 1e-4f});
  ScriptedSolver solver(calls,
                        [](const Call& call) { return Answer{call.start.real() == 1 ? 1e-3f : 1e-5f}; });
  Effort* const one = &effort;
  Effort::next_round(solver, solver, {&one, 1});
  EXPECT_EQ(effort.best().residual, 1e-4f);
  EXPECT_EQ(effort.best().object[0], 9.0f);
  Effort::next_round(solver, solver, {&one, 1});
  EXPECT_EQ(effort.best().residual, 1e-5f);
  EXPECT_EQ(effort.iterations(), 200);
  EXPECT_FALSE(effort.done());
}

TEST_F(Efforts, OneRoundOfManyIsACallForEachStepThatTheyAreAt) {
  const PatternBatch all = patterns(3);
  std::vector<Effort> efforts;
  efforts.reserve(3);
  for (int i = 0; i < 3; ++i)
    efforts.emplace_back(kPattern, all.intensity_of(i), all.measured_of(i), starts(1, 1), ExplainOptions());
  ScriptedSolver solver(calls, [](const Call&) { return Answer{1e-3f}; });
  Effort* ahead = &efforts[1];
  Effort::next_round(solver, solver, {&ahead, 1});
  calls.clear();
  std::vector<Effort*> pointers;
  for (Effort& effort : efforts) pointers.push_back(&effort);
  Effort::next_round(solver, solver, pointers);
  EXPECT_THAT(schedules(), ElementsAre(kRest, "polish", "polish"));
  for (const Effort& effort : efforts) EXPECT_EQ(effort.iterations(), &effort == ahead ? 1000 : 100);
}

/// Photons of a particle, and two starts as a network gives them: near it, with errors of their own.
struct Exposure {
  Exposure(double photons, unsigned seed)
      : particle(16, seed), pattern(particle.pattern(32)), starts(particle.starts()) {
    std::mt19937 random(seed);
    const double all = std::accumulate(pattern.intensity.begin(), pattern.intensity.end(), 0.0);
    for (float& value : pattern.intensity)
      value = static_cast<float>(
          std::poisson_distribution<int>(static_cast<double>(value) * photons / all)(random));
    starts.per_frame = 2;
    starts.object.clear();
    for (int k = 0; k < 2; ++k) {
      const auto of_its_own = [&] { return static_cast<float>(random() % 1000) / 1000; };
      const float x = of_its_own(), y = of_its_own(), turn = 6 * of_its_own();
      for (int i = 0; i < 256; ++i) {
        const float error =
            0.15f * std::sin(x * static_cast<float>(i % 16) + y * static_cast<float>(i / 16) + turn);
        starts.object.push_back(particle.object[static_cast<std::size_t>(i)] * std::polar(1 + error, error));
      }
    }
  }
  float error(std::span<const std::complex<float>> object) const {
    return score::align(object, particle.object, 16, score::Translation::sub_pixel).real_space_error;
  }

  Particle particle;
  PatternBatch pattern;
  Starts starts;
};

/// Real-space errors, summed over exposures, of the first start and of what comes out.
std::pair<float, float> before_and_after(double photons) {
  const auto solver = make_explaining_solver(make_cpu_solver());
  float before = 0, after = 0;
  for (unsigned seed = 1; seed <= 8; ++seed) {
    const Exposure exposure(photons, seed);
    Refined out;
    solver->solve(exposure.pattern, exposure.starts, parse_schedule("explain"), out);
    const auto first = std::span(exposure.starts.object).first(256);
    const float fit = score::ModulusScorer(32)(exposure.pattern.intensity_of(0),
                                               exposure.pattern.measured_of(0), first, 16);
    EXPECT_LE(out.objects.residual[0], fit);
    before += exposure.error(first);
    after += exposure.error(out.objects.object);
  }
  return {before, after};
}

TEST(EffortForReal, HarmsNoAnswerToFewPhotonsAndBettersThoseToMany) {
  for (const double photons : {1e4, 3e4}) {
    const auto [before, after] = before_and_after(photons);
    EXPECT_LE(after, before) << photons;
  }
  for (const double photons : {1e5, 1e6}) {
    const auto [before, after] = before_and_after(photons);
    EXPECT_LT(after, 0.5f * before) << photons;
  }
}

}  // namespace
}  // namespace flashphase::refine
