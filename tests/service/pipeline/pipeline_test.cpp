#include "service/pipeline/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include "tests/service/pipeline/pipeline_fixture.h"

namespace flashphase::service {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;
using testing_support::count;
using testing_support::FakeNetwork;
using testing_support::FakeSolver;
using testing_support::Gate;
using testing_support::PipelineTest;
using testing_support::RecordingSink;

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
    EXPECT_EQ(result.model->name, "fake");
    EXPECT_EQ(result.model->hash, "0123");
    EXPECT_GE(result.residual, 0.0f) << "the score stage has seen it";
  }
}

TEST_F(PipelineTest, TheStagesOfAResultAddUpToItsLatency) {
  // Clocks beside the pipeline's own, read where a frame passes.
  using Seconds = std::chrono::duration<float>;
  static constexpr float kRounding = 1e-4f;
  static constexpr std::chrono::milliseconds kWaited{500}, kWorked{2};
  class ClockSink : public RecordingSink {
   public:
    bool take(const std::shared_ptr<const Reconstruction>& result) override {
      taken.push_back(Clock::now());
      return RecordingSink::take(result);
    }
    std::vector<Clock::time_point> taken;
  };
  const auto clock = std::make_shared<ClockSink>();
  std::vector<Clock::time_point> inferred;
  const auto work = [] {
    for (const auto end = Clock::now() + kWorked; Clock::now() < end;) {
    }
  };
  stages.sinks.push_back(clock);
  stages.networks.workers.push_back(std::make_unique<FakeNetwork>([&](int) {
    work();
    inferred.push_back(Clock::now());
  }));
  stages.prepare = std::make_unique<testing_support::FakePreparation>(
      *stages.prepare, [&](const Frame&) { work(); });  // before select
  config.refine_policy = RefinePolicy::all;
  config.preprocess_threads = 1;
  config.batch_size = 1;
  stages.solvers.push_back(std::make_unique<FakeSolver>(work));
  build();
  std::vector<Clock::time_point> arrival;
  for (std::uint64_t i = 0; i < 8; ++i) {
    Frame frame = testing_support::some_frame(i);
    frame.arrival -= kWaited;
    arrival.push_back(frame.arrival);
    source->add(frame);
  }
  drain();
  const auto results = clock->results();
  ASSERT_EQ(results.size(), 16u);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Reconstruction& result = *results[i];
    const std::uint64_t frame = result.pattern->id.sequence;
    const bool refined = result.stage == ResultStage::refined;
    for (const float seconds : result.times.seconds) EXPECT_GE(seconds, 0.0f);
    EXPECT_GE(result.times[Stage::ingest], Seconds(kWaited).count() - kRounding);
    EXPECT_GE(result.times[Stage::select], Seconds(kWorked).count() - kRounding);
    EXPECT_GE(result.times[Stage::infer], Seconds(kWorked).count() - kRounding);
    if (refined)
      EXPECT_GE(result.times[Stage::refine], Seconds(kWorked).count() - kRounding);
    else
      EXPECT_EQ(result.times[Stage::refine], 0.0f);
    const float total = std::accumulate(result.times.seconds.begin(), result.times.seconds.end(), 0.0f);
    EXPECT_LE(total, Seconds(clock->taken[i] - arrival[frame]).count() + kRounding) << "nothing counts twice";
    EXPECT_GE(total, Seconds(inferred[frame] - arrival[frame] + (refined ? kWorked : kWorked * 0)).count() -
                         kRounding);
  }
  EXPECT_EQ(metrics.latency().count, 8u);
  EXPECT_GE(metrics.latency().max, Seconds(kWaited).count());
}

TEST_F(PipelineTest, LiveItDropsTheOldestWhenBehindAndAccountsForThem) {
  Gate gate;
  config.ingest_queue = 8;
  stages.networks.workers.push_back(std::make_unique<FakeNetwork>([&](int) { gate.pass(); }));
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
  source->set_waits();
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

TEST_F(PipelineTest, AFrameThatIsRejectedIsNoGap) {
  build();
  source->add(ingest::RunBegin{.source = "fake", .run = 1, .expected_frames = 3});
  feed(1);
  source->add(ingest::Rejected{.reason = Rejection::bad_pixels, .id = testing_support::some_frame(1).id});
  source->add(ingest::Rejected{.reason = Rejection::bad_pixels, .id = testing_support::some_frame(2).id});
  source->add(ingest::RunEnd{.source = "fake", .run = 1, .sent_frames = 3});
  EXPECT_EQ(drain().rejected_total(), 2u);
  EXPECT_THAT(metric_text(), HasSubstr("flashphase_sequence_missing_frames_total{source=\"fake\"} 0\n"));
}

TEST_F(PipelineTest, AnAbsurdNumberIsNoGapAndItsFrameIsPublished) {
  build();
  source->add(ingest::RunBegin{.source = "fake", .run = 1, .expected_frames = 0});
  feed(100);
  for (const std::uint64_t absurd : {std::uint64_t{445'920'914}, ~std::uint64_t{0}})
    source->add(testing_support::some_frame(absurd));
  feed(100, 100);
  EXPECT_EQ(drain().published, 202u);
  EXPECT_THAT(metric_text(), HasSubstr("flashphase_sequence_missing_frames_total{source=\"fake\"} 0\n"));
  EXPECT_THAT(metric_text(), HasSubstr("flashphase_sequence_late_frames_total{source=\"fake\"} 0\n"));
  EXPECT_THAT(metric_text(), HasSubstr("flashphase_sequence_implausible_total{source=\"fake\"} 2\n"));
}

TEST_F(PipelineTest, ABacklogIsBoundedInBytesAndEveryFrameOfItCounted) {
  Gate gate;
  const std::size_t frame_bytes = testing_support::some_frame(0).pixels.data.size();
  config.ingest_bytes = 20 * frame_bytes;
  stages.networks.workers.push_back(std::make_unique<FakeNetwork>([&](int) { gate.pass(); }));
  build();
  std::uint64_t fed = 0;
  const auto waiting_for = [&](Edge edge) { return pipeline->queued()[static_cast<std::size_t>(edge)]; };
  for (; waiting_for(Edge::infer) < 64; fed += 10) {  // until nothing goes on
    feed(10, fed);
    std::this_thread::yield();
  }
  feed(200, fed);
  fed += 200;
  source->wait_until_taken();
  while (pipeline->ingest_bytes() <= config.ingest_bytes - 2 * frame_bytes) {  // preprocess took some more
    feed(1, fed++);
    source->wait_until_taken();
  }
  EXPECT_LE(pipeline->ingest_bytes(), config.ingest_bytes);
  gate.open();
  pipeline->stop();
  const Accounts accounts = metrics.accounts();
  EXPECT_EQ(accounts.received, fed);
  EXPECT_GT(count(accounts, Stage::ingest, DropReason::queue_full), 0u);
  EXPECT_EQ(accounts.published + accounts.dropped_total(), fed);
  EXPECT_TRUE(accounts.accounted());
  EXPECT_EQ(pipeline->ingest_bytes(), 0u);
}

TEST_F(PipelineTest, InReplayABoundInBytesMakesTheSourceWait) {
  source->set_waits();
  config.ingest_bytes = 3 * testing_support::some_frame(0).pixels.data.size();
  build();
  feed(500);
  EXPECT_EQ(drain().published, 500u);
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

TEST_F(PipelineTest, ASinkThatMissesAResultIsCountedAndTheFrameIsPublished) {
  stages.sinks.push_back(std::make_shared<RecordingSink>(false));
  build();
  feed(3);
  EXPECT_EQ(drain().published, 3u);
  EXPECT_THAT(metric_text(), HasSubstr("flashphase_publish_dropped_total{sink=\"recording\"} 4\n"))
      << "the results and the bye";
}

TEST_F(PipelineTest, BatchesWhatIsWaiting) {
  Gate gate;
  std::mutex mutex;
  std::vector<int> sizes;
  stages.networks.workers.push_back(std::make_unique<FakeNetwork>([&](int size) {
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

/// As a network on a GPU: scores its answers itself, and had to cut one batch.
class ScoringNetwork final : public FakeNetwork {
 public:
  void infer(const PatternBatch& patterns, ObjectBatch& objects) override {
    FakeNetwork::infer(patterns, objects);
    std::ranges::fill(objects.residual, 0.25f);
  }
  std::uint64_t out_of_memory() const override { return 3; }
};

TEST_F(PipelineTest, KeepsTheResidualThatANetworkGives) {
  stages.networks.workers.push_back(std::make_unique<ScoringNetwork>());
  build();
  feed(5);
  drain();
  for (const auto& result : sink->results()) EXPECT_EQ(result->residual, 0.25f);
}

TEST_F(PipelineTest, CountsOnceWhatANetworkHadNoMemoryFor) {
  stages.networks.workers.push_back(std::make_unique<ScoringNetwork>());
  build();
  feed(20);
  drain();
  EXPECT_THAT(metric_text(), HasSubstr("flashphase_device_out_of_memory_total{stage=\"infer\"} 3\n"));
}

TEST_F(PipelineTest, SeveralWorkersLoseNothing) {
  source->set_waits();
  config.preprocess_threads = 2;
  config.infer_workers = 2;
  config.refine_policy = RefinePolicy::all;
  config.refine_queue = 10000;
  for (int i = 0; i < 2; ++i) {
    stages.networks.workers.push_back(std::make_unique<FakeNetwork>());
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

TEST_F(PipelineTest, CanBeStoppedTwiceAndWithoutEverRunning) {
  build();
  pipeline->stop();
  pipeline->stop();
  EXPECT_EQ(pipeline->state(), State::stopped);
  EXPECT_THAT(sink->words(), ElementsAre("bye"));
}

}  // namespace
}  // namespace flashphase::service
