#include "service/pipeline/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

#include "engine/device/device_lost.h"
#include "tests/service/pipeline/pipeline_fixture.h"

namespace flashphase::service {
namespace {

using testing_support::count;
using testing_support::FakeNetwork;
using testing_support::FakeSolver;
using testing_support::Gate;
using testing_support::kPatternSize;
using testing_support::PipelineTest;
using testing_support::some_frame;

TEST_F(PipelineTest, TheInferredResultOfAFrameComesBeforeItsRefinedOne) {
  config.refine_policy = RefinePolicy::all;
  for (int i = 0; i < 2; ++i) stages.solvers.push_back(std::make_unique<FakeSolver>());
  build();
  feed(200);
  const Accounts accounts = drain();
  EXPECT_EQ(accounts.refined, 200u);
  const auto words = sink->words();
  for (int i = 0; i < 200; ++i) {
    const auto inferred = std::find(words.begin(), words.end(), "inferred " + std::to_string(i));
    const auto refined = std::find(words.begin(), words.end(), "refined " + std::to_string(i));
    ASSERT_NE(refined, words.end());
    EXPECT_LT(inferred, refined);
  }
}

TEST_F(PipelineTest, ARefinedResultSaysHowItWasMade) {
  config.refine_policy = RefinePolicy::all;
  stages.schedule.text = "polish";
  stages.solvers.push_back(std::make_unique<FakeSolver>());
  build();
  feed(1);
  drain();
  const auto results = sink->results();
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[1]->stage, ResultStage::refined);
  EXPECT_EQ(results[1]->iterations, 7);
  EXPECT_EQ(results[1]->schedule, "polish");
  EXPECT_EQ(results[1]->residual, 0.0f);
  EXPECT_EQ(results[1]->pattern, results[0]->pattern);
  EXPECT_GT(results[1]->times[Stage::refine], 0.0f);
  EXPECT_EQ(results[0]->iterations, 0);
}

class PipelineRefinePolicy : public PipelineTest {
 protected:
  std::size_t refined_of_ten() {
    stages.solvers.push_back(std::make_unique<FakeSolver>());
    build();
    feed(10);
    return drain().refined;
  }
};

TEST_F(PipelineRefinePolicy, LeavesAloneWhatIsBelowTheResidual) {
  config.refine_policy = RefinePolicy::above_residual;
  config.refine_residual = 1e9f;
  EXPECT_EQ(refined_of_ten(), 0u);
}

TEST_F(PipelineRefinePolicy, RefinesWhatIsAboveTheResidual) {
  config.refine_policy = RefinePolicy::above_residual;
  config.refine_residual = 1e-6f;
  EXPECT_EQ(refined_of_ten(), 10u);
}

TEST_F(PipelineRefinePolicy, LeavesAloneWhatNoiseExplains) {
  config.refine_policy = RefinePolicy::above_noise;
  config.refine_noise_factor = 1e9f;
  EXPECT_EQ(refined_of_ten(), 0u);
}

TEST_F(PipelineRefinePolicy, RefinesWhatNoiseDoesNotExplain) {
  config.refine_policy = RefinePolicy::above_noise;
  config.refine_noise_factor = 1e-3f;
  EXPECT_EQ(refined_of_ten(), 10u);
}

class PipelineUntilExplained : public PipelineTest {
 protected:
  PipelineUntilExplained() { config.refine_policy = RefinePolicy::until_explained; }
  /// Each frame ends once.
  std::size_t frames_ended() const {
    std::set<std::uint64_t> sequences;
    for (const auto& final : sink->finals()) sequences.insert(final.sequence);
    EXPECT_EQ(sequences.size(), sink->finals().size());
    return sequences.size();
  }
};

/// Each call halves what it says of the frame, until that is explained.
class HalvingSolver : public FakeSolver {
 public:
  using FakeSolver::FakeSolver;
  void solve(const PatternBatch& patterns, const refine::Starts& starts, const refine::Schedule& schedule,
             refine::Refined& out) override {
    FakeSolver::solve(patterns, starts, schedule, out);
    for (int i = 0; i < patterns.count; ++i) {
      float& left = left_.try_emplace(patterns.intensity_of(i)[0], 1e-3f).first->second;
      out.objects.residual[static_cast<std::size_t>(i)] = left /= 2;
      out.iterations[static_cast<std::size_t>(i)] = schedule.iterations();
    }
  }

 private:
  std::map<float, float> left_;
};

TEST_F(PipelineUntilExplained, SendsEachBetterAnswerAndEndsWithTheReason) {
  config.refine_noise_factor = 0;
  stages.solvers.push_back(std::make_unique<HalvingSolver>());
  build();
  feed(1);
  const Accounts accounts = drain();
  const auto results = sink->results();
  ASSERT_GT(results.size(), 3u);
  EXPECT_EQ(results[0]->explained, false);
  EXPECT_EQ(results[0]->outcome, std::nullopt);
  for (std::size_t i = 1; i < results.size(); ++i) {
    EXPECT_EQ(results[i]->stage, ResultStage::refined);
    EXPECT_EQ(results[i]->round, static_cast<int>(i));
    EXPECT_LT(results[i]->residual, results[i - 1]->residual);
    EXPECT_EQ(results[i]->outcome.has_value(), i + 1 == results.size());
  }
  EXPECT_EQ(results.back()->outcome, Outcome::explained);
  EXPECT_EQ(results.back()->explained, true);
  EXPECT_EQ(accounts.refined, results.size() - 1);
  EXPECT_EQ(accounts.outcomes[static_cast<std::size_t>(Outcome::explained)], 1u);
  ASSERT_EQ(sink->finals().size(), 1u);
  EXPECT_EQ(sink->finals()[0].words, results.size()) << "after the last round";
}

TEST_F(PipelineRefinePolicy, UntilExplainedLeavesAloneWhatNoiseExplainsWhereIterationsDoNotFitNoise) {
  config.refine_policy = RefinePolicy::until_explained;
  config.refine_noise_factor = 1e9f;
  stages.solvers.push_back(std::make_unique<FakeSolver>());
  build();
  for (std::uint64_t i = 0; i < 10; ++i) {
    Frame bright = some_frame(i);
    const auto pixels = std::make_shared<std::vector<float>>(kPatternSize * kPatternSize, 1e6f);
    bright.pixels.data = std::as_bytes(std::span(*pixels));
    bright.pixels.storage = pixels;
    source->add(bright);
  }
  EXPECT_EQ(drain().refined, 0u);
  EXPECT_EQ(sink->results().size(), 10u);
  for (const auto& result : sink->results()) {
    EXPECT_EQ(result->explained, true);
    EXPECT_EQ(result->outcome, Outcome::explained);
  }
}

TEST_F(PipelineRefinePolicy, UntilExplainedMakesANoisyAnswerBetterThatNoiseExplains) {
  config.refine_policy = RefinePolicy::until_explained;
  config.refine_noise_factor = 1e9f;
  EXPECT_GE(refined_of_ten(), 10u);
  for (const auto& result : sink->results()) EXPECT_EQ(result->explained, true);
  EXPECT_EQ(sink->results().front()->outcome, std::nullopt);
  EXPECT_EQ(sink->results().back()->outcome, Outcome::explained);
}

/// Nothing fits, and no two answers alike.
class HopelessSolver : public FakeSolver {
 public:
  explicit HopelessSolver(std::atomic<std::int64_t>& iterations) : iterations_(iterations) {}
  void solve(const PatternBatch& patterns, const refine::Starts& starts, const refine::Schedule& schedule,
             refine::Refined& out) override {
    FakeSolver::solve(patterns, starts, schedule, out);
    for (int i = 0; i < patterns.count; ++i) {
      iterations_ += schedule.iterations() * starts.per_frame;
      out.objects.residual[static_cast<std::size_t>(i)] = 0.9f / static_cast<float>(1 + ++calls_ % 7);
      out.iterations[static_cast<std::size_t>(i)] = schedule.iterations();
    }
  }

 private:
  std::atomic<std::int64_t>& iterations_;
  int calls_ = 0;
};

TEST_F(PipelineUntilExplained, WhatCannotBeExplainedSpendsItsBudgetOnceAndEveryFrameEnds) {
  std::atomic<std::int64_t> iterations{0};
  config.refine_noise_factor = 1e-6f;
  config.refine_budget = 2500;
  config.refine_queue = 1000;
  for (int i = 0; i < 3; ++i) stages.solvers.push_back(std::make_unique<HopelessSolver>(iterations));
  build();
  feed(40);
  const Accounts accounts = drain();
  EXPECT_TRUE(accounts.accounted());
  EXPECT_EQ(accounts.outcomes[static_cast<std::size_t>(Outcome::given_up)], 40u);
  EXPECT_LE(iterations, 40 * 2500);
  EXPECT_GT(iterations, 40 * 1500) << "one further round would have been too much";
  EXPECT_EQ(frames_ended(), 40u);
}

TEST_F(PipelineUntilExplained, NewFramesTakeThePlaceOfThoseThatHaveHadRounds) {
  std::atomic<std::int64_t> iterations{0};
  config.refine_noise_factor = 1e-6f;
  config.refine_queue = 3;
  stages.solvers.push_back(std::make_unique<HopelessSolver>(iterations));
  build();
  feed(50);
  const Accounts accounts = drain();
  EXPECT_TRUE(accounts.accounted());
  const std::uint64_t ended = accounts.outcomes[static_cast<std::size_t>(Outcome::given_up)];
  EXPECT_EQ(ended + count(accounts, RefineLoss::queue_full), 50u);
  EXPECT_EQ(frames_ended(), 50u);
}

TEST_F(PipelineRefinePolicy, RefinesNothingWhenOff) {
  EXPECT_EQ(refined_of_ten(), 0u);
}

/// Wants its frames in pairs, and has memory for the first alone.
class SmallSolver : public FakeSolver {
 public:
  explicit SmallSolver(std::vector<int>& asked) : asked_(asked) {}
  int preferred_batch() const override { return 2; }
  void solve(const PatternBatch& patterns, const refine::Starts& starts, const refine::Schedule& schedule,
             refine::Refined& out) override {
    asked_.push_back(patterns.count);
    if (asked_.size() > 1) throw OutOfDeviceMemory("no room on GPU 0");
    FakeSolver::solve(patterns, starts, schedule, out);
  }

 private:
  std::vector<int>& asked_;
};

TEST_F(PipelineRefinePolicy, EndsWhereTheDeviceHasNoMemoryAndTheFastAnswersGoOn) {
  std::vector<int> asked;
  stages.solvers.push_back(std::make_unique<SmallSolver>(asked));
  config.refine_policy = RefinePolicy::all;
  config.refine_queue = 100;
  build();
  feed(10);
  const Accounts accounts = drain();
  EXPECT_EQ(accounts.published, 10u);
  EXPECT_TRUE(accounts.accounted());
  ASSERT_EQ(asked.size(), 2u) << "it is not asked again";
  EXPECT_LE(asked[0], 2);
  EXPECT_EQ(accounts.refined, static_cast<std::uint64_t>(asked[0]));
  EXPECT_THAT(metric_text(), testing::HasSubstr("flashphase_refinements_dropped_total{reason=\"failed\"} " +
                                                std::to_string(10 - asked[0]) + "\n"));
}

/// Keeps what it was asked to start from.
class StartsSolver : public FakeSolver {
 public:
  explicit StartsSolver(std::vector<refine::Starts>& seen) : seen_(seen) {}
  void solve(const PatternBatch& patterns, const refine::Starts& starts, const refine::Schedule& schedule,
             refine::Refined& out) override {
    seen_.push_back(starts);
    refine::Starts first = starts;
    first.object.resize(first.support.size());
    FakeSolver::solve(patterns, first, schedule, out);
  }

 private:
  std::vector<refine::Starts>& seen_;
};

TEST_F(PipelineTest, TheViewersAnswersAreTheStartsAfterTheNetworksOwn) {
  std::vector<int> viewed;
  std::vector<refine::Starts> seen;
  config.refine_policy = RefinePolicy::all;
  config.refine_starts = 5;
  stages.networks.viewers.push_back(
      std::make_unique<FakeNetwork>([&](int count) { viewed.push_back(count); }));
  stages.solvers.push_back(std::make_unique<StartsSolver>(seen));
  build();
  feed(1);
  EXPECT_EQ(drain().refined, 1u);
  EXPECT_EQ(viewed, std::vector<int>(3, 1));
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].per_frame, 5);
  // The fake network answers every view alike; the fifth start is a copy with other phases.
  const std::size_t cells = seen[0].support.size();
  const auto start = [&](std::size_t k) { return std::span(seen[0].object).subspan(k * cells, cells); };
  for (std::size_t k = 1; k < 4; ++k)
    for (std::size_t i = 0; i < cells; ++i) EXPECT_LT(std::abs(start(k)[i] - start(0)[i]), 1e-5f);
  EXPECT_FALSE(std::ranges::equal(start(4), start(0)));
}

TEST_F(PipelineTest, AsManyViewersAsSolversOrNone) {
  config.refine_policy = RefinePolicy::all;
  stages.networks.viewers.push_back(std::make_unique<FakeNetwork>());
  for (int i = 0; i < 2; ++i) stages.solvers.push_back(std::make_unique<FakeSolver>());
  EXPECT_THROW(build(), std::invalid_argument);
}

TEST_F(PipelineTest, AFrameThatIsNotRefinedKeepsItsInferredResult) {
  Gate gate;
  config.refine_policy = RefinePolicy::all;
  config.refine_queue = 2;
  stages.solvers.push_back(std::make_unique<FakeSolver>([&] { gate.pass(); }));
  build();
  feed(50);
  sink->wait_for(50);
  gate.open();
  pipeline->stop();
  const Accounts accounts = metrics.accounts();
  EXPECT_EQ(accounts.published, 50u);
  EXPECT_GT(count(accounts, RefineLoss::queue_full), 0u);
  EXPECT_EQ(accounts.refined + count(accounts, RefineLoss::queue_full), 50u);
  EXPECT_TRUE(accounts.accounted()) << "a refinement that is dropped is no frame that is lost";
}

TEST_F(PipelineTest, AFrameTheSolverCannotTakeIsCountedAndNothingStops) {
  std::atomic<int> calls{0};
  config.refine_policy = RefinePolicy::all;
  stages.solvers.push_back(std::make_unique<FakeSolver>([&] {
    if (calls++ == 0) throw std::invalid_argument("empty support");
  }));
  build();
  feed(5);
  const Accounts accounts = drain();
  EXPECT_EQ(accounts.refined, 4u);
  EXPECT_EQ(count(accounts, RefineLoss::unsolvable), 1u);
  EXPECT_EQ(pipeline->state(), State::stopped);
}

/// Takes several frames at a time, but none of sequence 3.
class BatchSolver final : public refine::Solver {
 public:
  explicit BatchSolver(Gate& gate, std::vector<int>& sizes) : gate_(gate), sizes_(sizes) {}

  void solve(const PatternBatch& patterns, const refine::Starts& starts, const refine::Schedule& schedule,
             refine::Refined& out) override {
    gate_.pass();
    sizes_.push_back(patterns.count);
    for (int i = 0; i < patterns.count; ++i)
      if (patterns.intensity_of(i)[0] == 3) throw std::invalid_argument("frame 3 cannot be solved");
    FakeSolver().solve(patterns, starts, schedule, out);
    for (int i = 0; i < patterns.count; ++i)
      out.iterations[static_cast<std::size_t>(i)] = static_cast<int>(patterns.intensity_of(i)[0]);
  }

 private:
  Gate& gate_;
  std::vector<int>& sizes_;
};

TEST_F(PipelineTest, RefinesSeveralFramesAtOnceAndOneThatCannotBeCostsNoOther) {
  Gate gate;
  std::vector<int> sizes;
  config.refine_policy = RefinePolicy::all;
  config.refine_batch = 8;
  stages.solvers.push_back(std::make_unique<BatchSolver>(gate, sizes));
  build();
  for (std::uint64_t i = 0; i < 20; ++i) {
    Frame frame = some_frame(i);  // says its number in its first pixel
    auto pixels = std::make_shared<std::vector<float>>(256, 1.0f);
    pixels->front() = static_cast<float>(i);
    frame.pixels.data = std::as_bytes(std::span(*pixels));
    frame.pixels.storage = pixels;
    source->add(frame);
  }
  sink->wait_for(20);  // all inferred, and all but the first few waiting
  gate.open();
  const Accounts accounts = drain();
  EXPECT_EQ(accounts.refined, 19u);
  EXPECT_EQ(count(accounts, RefineLoss::unsolvable), 1u);
  EXPECT_THAT(sizes, testing::Contains(8));
  for (const auto& result : sink->results())
    if (result->stage == ResultStage::refined) {
      EXPECT_EQ(result->iterations, static_cast<int>(result->pattern->id.sequence));
    }
}

TEST_F(PipelineTest, GivesUpRefinementsWhenTheTimeToStopIsOver) {
  Gate gate;
  config.refine_policy = RefinePolicy::all;
  stages.solvers.push_back(std::make_unique<FakeSolver>([&] { gate.pass(); }));
  build();
  feed(10);
  sink->wait_for(10);
  gate.wait_for_someone();
  std::thread stopper([this] { pipeline->stop(std::chrono::seconds(0)); });
  while (pipeline->state() != State::draining) std::this_thread::yield();
  gate.open();
  stopper.join();
  const Accounts accounts = metrics.accounts();
  EXPECT_GE(accounts.refined, 1u) << "the one in hand is finished";
  EXPECT_EQ(accounts.refined + count(accounts, RefineLoss::shutdown), 10u);
}

TEST_F(PipelineTest, RefinementNeedsASolver) {
  config.refine_policy = RefinePolicy::all;
  EXPECT_THROW(build(), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::service
