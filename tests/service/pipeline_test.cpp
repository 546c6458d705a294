#include "service/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <numeric>

#include "engine/frame/device_lost.h"
#include "tests/service/pipeline_fixture.h"

namespace flashphase::service {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;
using testing_support::FakeNetwork;
using testing_support::FakeSolver;
using testing_support::Gate;
using testing_support::PipelineTest;
using testing_support::RecordingSink;
using testing_support::some_frame;

std::size_t count(const Accounts& accounts, Stage stage, DropReason reason) {
  return accounts.dropped[static_cast<std::size_t>(stage)][static_cast<std::size_t>(reason)];
}
std::size_t count(const Accounts& accounts, Rejection reason) {
  return accounts.rejected[static_cast<std::size_t>(reason)];
}
std::size_t count(const Accounts& accounts, RefineLoss reason) {
  return accounts.refine_dropped[static_cast<std::size_t>(reason)];
}

TEST_F(PipelineTest, CarriesEveryFrameToTheSinkUnderItsOwnName) {
  build();
  feed(50);
  const Accounts accounts = drain();
  EXPECT_EQ(accounts.received, 50u);
  EXPECT_EQ(accounts.published, 50u);
  EXPECT_TRUE(accounts.accounted());
  const auto results = sink->results();
  ASSERT_EQ(results.size(), 50u);
  for (std::uint64_t i = 0; i < 50; ++i) {
    const Reconstruction& result = *results[i];
    EXPECT_EQ(result.pattern->id.sequence, i);
    EXPECT_EQ(result.pattern->id.source, "fake");
    EXPECT_EQ(result.size, testing_support::kObjectSize);
    EXPECT_EQ(result.amplitude[0], 1.0f);
    EXPECT_EQ(result.model_name, "fake");
    EXPECT_EQ(result.model_hash, "0123");
    EXPECT_GE(result.residual, 0.0f) << "the score stage has seen it";
  }
}

TEST_F(PipelineTest, TheStagesOfAResultAddUpToItsLatency) {
  build();
  feed(8);
  drain();
  for (const auto& result : sink->results()) {
    float total = 0;
    for (const float seconds : result->times.seconds) {
      EXPECT_GE(seconds, 0.0f);
      total += seconds;
    }
    EXPECT_GT(total, 0.0f);
    EXPECT_EQ(result->times[Stage::refine], 0.0f);
  }
  EXPECT_EQ(metrics.latency().count, 8u);
}

TEST_F(PipelineTest, LiveItDropsTheOldestWhenBehindAndAccountsForThem) {
  Gate gate;
  config.ingest_queue = 8;
  stages.networks.push_back(std::make_unique<FakeNetwork>([&](int) { gate.pass(); }));
  build();
  feed(500);
  source->wait_until_taken();
  gate.open();
  pipeline->stop();
  const Accounts accounts = metrics.accounts();
  EXPECT_EQ(accounts.received, 500u);
  EXPECT_GT(count(accounts, Stage::ingest, DropReason::queue_full), 0u);
  EXPECT_EQ(accounts.published + accounts.dropped_total(), 500u);
  EXPECT_TRUE(accounts.accounted());
  EXPECT_EQ(sink->words().end()[-2], "inferred 499") << "the newest frames stay";
}

TEST_F(PipelineTest, InReplayItMakesTheSourceWaitAndLosesNothing) {
  config.replay = true;
  config.ingest_queue = 4;
  build();
  feed(500);
  const Accounts accounts = drain();
  EXPECT_EQ(accounts.published, 500u);
  EXPECT_EQ(accounts.dropped_total(), 0u);
}

TEST_F(PipelineTest, SaysByeLastWithTheWholeAccount) {
  Gate gate;
  config.refine_policy = RefinePolicy::all;
  stages.solvers.push_back(std::make_unique<FakeSolver>([&] { gate.pass(); }));
  build();
  feed(20);
  source->wait_until_taken();
  gate.wait_for_someone();
  std::thread stopper([this] { pipeline->stop(); });
  gate.open();
  stopper.join();
  EXPECT_EQ(sink->words().back(), "bye");
  EXPECT_EQ(sink->words().size(), 41u) << "20 inferred, 20 refined, bye";
  ASSERT_TRUE(sink->bye());
  EXPECT_EQ(sink->bye()->received, 20u);
  EXPECT_EQ(sink->bye()->published, 20u);
  EXPECT_EQ(pipeline->state(), State::stopped);
}

TEST_F(PipelineTest, StoppingTakesWhatHasArrivedAlready) {
  build();
  feed(20);
  pipeline->stop();
  EXPECT_EQ(metrics.accounts().published, 20u);
}

TEST_F(PipelineTest, TheInferredResultOfAFrameComesBeforeItsRefinedOne) {
  config.refine_policy = RefinePolicy::all;
  config.refine_workers = 2;
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

TEST_F(PipelineTest, RefinesOnlyWhatIsAboveTheResidual) {
  config.refine_policy = RefinePolicy::above_residual;
  config.refine_residual = 1e9f;
  stages.solvers.push_back(std::make_unique<FakeSolver>());
  build();
  feed(10);
  EXPECT_EQ(drain().refined, 0u);
}

TEST_F(PipelineTest, RefinesWhatIsAboveTheResidual) {
  config.refine_policy = RefinePolicy::above_residual;
  config.refine_residual = 1e-6f;
  stages.solvers.push_back(std::make_unique<FakeSolver>());
  build();
  feed(10);
  EXPECT_EQ(drain().refined, 10u);
}

TEST_F(PipelineTest, RefinesNothingWithThePolicyOff) {
  stages.solvers.push_back(std::make_unique<FakeSolver>());
  build();
  feed(10);
  EXPECT_EQ(drain().refined, 0u);
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

TEST_F(PipelineTest, RejectsAndCountsWhatCannotBeProcessed) {
  build();
  source->add(ingest::Rejected{Rejection::bad_message});
  source->add(some_frame(0));
  source->add(some_frame(0));
  Frame dark = some_frame(1);
  const std::vector<float> zeros(256, 0.0f);
  dark.pixels = std::as_bytes(std::span(zeros));
  source->add(dark);
  Frame unmeasured = some_frame(2);
  const std::vector<float> nans(256, std::numeric_limits<float>::quiet_NaN());
  unmeasured.pixels = std::as_bytes(std::span(nans));
  source->add(unmeasured);
  const Accounts accounts = drain();
  EXPECT_EQ(accounts.received, 5u);
  EXPECT_EQ(accounts.published, 1u);
  EXPECT_EQ(count(accounts, Rejection::bad_message), 1u);
  EXPECT_EQ(count(accounts, Rejection::duplicate), 1u);
  EXPECT_EQ(count(accounts, Rejection::no_signal), 1u);
  EXPECT_EQ(count(accounts, Rejection::nothing_measured), 1u);
  EXPECT_TRUE(accounts.accounted());
  EXPECT_EQ(pipeline->state(), State::stopped);
}

TEST_F(PipelineTest, CountsGapsAndRunEvents) {
  build();
  source->add(ingest::RunBegin{.source = "fake", .run = 1, .expected_frames = 5});
  feed(1);
  feed(1, 4);
  source->add(ingest::RunBegin{.source = "fake", .run = 2, .expected_frames = 0});
  source->add(ingest::RunEnd{.source = "fake", .run = 2, .sent_frames = 0});
  source->add(ingest::RunEnd{.source = "fake", .run = 3, .sent_frames = 0});
  EXPECT_EQ(drain().received, 2u) << "begins and ends are no frames";
  const std::string text = metric_text();
  EXPECT_THAT(text, HasSubstr("flashphase_sequence_gaps_total{source=\"fake\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("flashphase_sequence_missing_frames_total{source=\"fake\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("{event=\"begin\",source=\"fake\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("{event=\"missing_end\",source=\"fake\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("{event=\"missing_begin\",source=\"fake\"} 1\n"));
}

TEST_F(PipelineTest, CountsSendersThatComeAndGoAndTakesThemForNoFrames) {
  build();
  source->add(ingest::PeerChange{.connected = true});
  source->add(ingest::PeerChange{.connected = true});
  source->add(ingest::PeerChange{.connected = false});
  source->wait_until_taken();
  EXPECT_EQ(pipeline->state(), State::ready);
  EXPECT_EQ(drain().received, 0u);
  EXPECT_EQ(metrics.peers(), 1);
  EXPECT_THAT(metric_text(), HasSubstr("flashphase_source_peers{source=\"fake\"} 1\n"));
  EXPECT_THAT(metric_text(), HasSubstr("flashphase_source_disconnects_total{source=\"fake\"} 1\n"));
}

TEST_F(PipelineTest, RunsBeginBeforeTheirFramesAndEndAfterThem) {
  build();
  source->add(ingest::RunBegin{.source = "fake", .run = 1, .expected_frames = 6});
  feed(6);
  source->add(ingest::RunEnd{.source = "fake", .run = 1, .sent_frames = 6});
  drain();
  EXPECT_THAT(sink->words(), ElementsAre("begin 1", "inferred 0", "inferred 1", "inferred 2", "inferred 3",
                                         "inferred 4", "inferred 5", "end 1", "bye"));
  EXPECT_EQ(sink->last_event().expected_frames, 6u);
  EXPECT_EQ(sink->last_event().received_frames, 6u);
}

TEST_F(PipelineTest, ABeginIsNotLostWhenFramesAre) {
  Gate gate;
  config.ingest_queue = 2;
  stages.networks.push_back(std::make_unique<FakeNetwork>([&](int) { gate.pass(); }));
  build();
  feed(300);
  source->add(ingest::RunBegin{.source = "fake", .run = 9, .expected_frames = 0});
  feed(300, 300);
  source->wait_until_taken();
  gate.open();
  pipeline->stop();
  EXPECT_THAT(sink->words(), testing::Contains("begin 9").Times(1));
}

TEST_F(PipelineTest, ASinkThatMissesAResultIsCountedAndTheFrameIsPublished) {
  stages.sinks.push_back(std::make_shared<RecordingSink>(false));
  build();
  feed(3);
  EXPECT_EQ(drain().published, 3u);
  EXPECT_THAT(metric_text(), HasSubstr("flashphase_publish_dropped_total{sink=\"recording\"} 3\n"));
}

TEST_F(PipelineTest, BatchesWhatIsWaiting) {
  Gate gate;
  std::mutex mutex;
  std::vector<int> sizes;
  stages.networks.push_back(std::make_unique<FakeNetwork>([&](int size) {
    gate.pass();
    std::lock_guard lock(mutex);
    sizes.push_back(size);
  }));
  build();
  feed(60);
  source->wait_until_taken();
  gate.wait_for_someone();
  gate.open();
  pipeline->stop();
  EXPECT_THAT(sizes, testing::Each(AllOf(Gt(0), testing::Le(4))));
  EXPECT_THAT(sizes, testing::Contains(4));
  EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), 0), 60);
}

TEST_F(PipelineTest, SeveralWorkersLoseNothing) {
  config.replay = true;
  config.preprocess_threads = 2;
  config.infer_workers = 2;
  config.refine_policy = RefinePolicy::all;
  config.refine_queue = 10000;
  for (int i = 0; i < 2; ++i) {
    stages.networks.push_back(std::make_unique<FakeNetwork>());
    stages.solvers.push_back(std::make_unique<FakeSolver>());
  }
  build();
  feed(1000);
  const Accounts accounts = drain();
  EXPECT_EQ(accounts.published, 1000u);
  EXPECT_EQ(accounts.refined, 1000u);
}

TEST_F(PipelineTest, RunsFromReadyToRunningWithTheFirstFrame) {
  build();
  EXPECT_EQ(pipeline->state(), State::ready);
  feed(1);
  source->wait_until_taken();
  EXPECT_EQ(pipeline->state(), State::running);
}

TEST_F(PipelineTest, ANetworkThatThrowsFailsThePipelineAndStillAccountsForEveryFrame) {
  std::atomic<int> calls{0};
  stages.networks.push_back(std::make_unique<FakeNetwork>([&](int) {
    if (calls++ == 2) throw std::runtime_error("out of memory");
  }));
  build();
  feed(100);
  const Accounts accounts = wait_for_failure();
  EXPECT_EQ(pipeline->state(), State::failed);
  ASSERT_TRUE(pipeline->failure());
  EXPECT_EQ(pipeline->failure()->sentence, "infer: out of memory");
  EXPECT_FALSE(pipeline->failure()->device_lost);
  EXPECT_GT(count(accounts, Stage::infer, DropReason::failed), 0u);
  EXPECT_TRUE(accounts.accounted());
  EXPECT_FALSE(sink->bye()) << "a bye is a promise that all is done";
}

TEST_F(PipelineTest, ALostDeviceIsToldFromOtherFailures) {
  stages.networks.push_back(
      std::make_unique<FakeNetwork>([](int) { throw DeviceLost("GPU 0 fell off the bus"); }));
  build();
  feed(1);
  wait_for_failure();
  EXPECT_TRUE(pipeline->failure()->device_lost);
}

TEST_F(PipelineTest, ASourceThatBreaksFailsThePipeline) {
  build();
  feed(3);
  source->wait_until_taken();
  source->break_down();
  EXPECT_TRUE(wait_for_failure().accounted());
  EXPECT_EQ(pipeline->failure()->sentence, "ingest: the source broke");
}

TEST_F(PipelineTest, ASolverThatBreaksFailsThePipelineAndEveryRefinementIsAccountedFor) {
  config.refine_policy = RefinePolicy::all;
  stages.solvers.push_back(std::make_unique<FakeSolver>([] { throw std::runtime_error("broken"); }));
  build();
  feed(10);
  const Accounts accounts = wait_for_failure();
  EXPECT_TRUE(accounts.accounted());
  EXPECT_EQ(accounts.refined, 0u);
  EXPECT_GE(count(accounts, RefineLoss::failed), 1u);
}

TEST_F(PipelineTest, CanBeStoppedTwiceAndWithoutEverRunning) {
  build();
  pipeline->stop();
  pipeline->stop();
  EXPECT_EQ(pipeline->state(), State::stopped);
  EXPECT_THAT(sink->words(), ElementsAre("bye"));
}

TEST_F(PipelineTest, RefinementNeedsASolver) {
  config.refine_policy = RefinePolicy::all;
  EXPECT_THROW(build(), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::service
