#include <gmock/gmock.h>

#include <stdexcept>

#include "service/pipeline/model_slot.h"
#include "service/pipeline/queued_sink.h"
#include "service/pipeline/run_ends.h"
#include "tests/service/pipeline/pipeline_fixture.h"

/// What sources, sinks and models may do to a pipeline.
namespace flashphase::service {
namespace {

using publish::RunEvent;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;
using testing_support::count;
using testing_support::FakeNetwork;
using testing_support::FakeSolver;
using testing_support::FakeSource;
using testing_support::Gate;
using testing_support::RecordingSink;
using testing_support::some_frame;

using SeamsTest = testing_support::PipelineTest;

// Sources

TEST_F(SeamsTest, ASourceAtItsEndIsAskedNoMoreAndThePipelineKnows) {
  build();
  feed(3);
  EXPECT_FALSE(pipeline->exhausted());
  source->add(ingest::SourceEnd{});
  source->add(some_frame(3));
  while (!pipeline->exhausted()) std::this_thread::yield();
  pipeline->stop();
  EXPECT_EQ(metrics.accounts().published, 3u);
}

TEST_F(SeamsTest, ASourceThatKnowsItsLossesSaysSoItself) {
  source->sees_its_losses();
  build();
  source->add(some_frame(0));
  source->add(some_frame(9));  // trains are no sequences
  source->add(ingest::Missing{.count = 4});
  EXPECT_EQ(drain().published, 2u);
  EXPECT_EQ(metrics.source(0).missing, 4u);
}

TEST_F(SeamsTest, TheEndOfARunOfASourceThatKnowsItsLossesSaysWhatCame) {
  source->sees_its_losses();
  build();
  source->add(ingest::RunBegin{.source = "fake", .run = 1, .expected_frames = 7});
  feed(5);
  source->add(ingest::Missing{.count = 2});
  source->add(ingest::RunEnd{.source = "fake", .run = 1, .sent_frames = 7});
  drain();
  EXPECT_EQ(sink->last_event().expected_frames, 7u);
  EXPECT_EQ(sink->last_event().received_frames, 5u);
  EXPECT_EQ(sink->last_event().missing_frames, 2u);
  EXPECT_FALSE(metrics.source(0).run_open);
}

TEST_F(SeamsTest, ALiveSourceNeverCostsOneThatWaitsAFrame) {
  Gate gate;
  auto owned = std::make_unique<FakeSource>();
  FakeSource* live = owned.get();
  stages.sources.push_back(std::move(owned));
  source->set_waits();
  config.ingest_queue = 4;
  config.batch_size = 1;
  stages.networks.workers.push_back(std::make_unique<FakeNetwork>([&](int) { gate.pass(); }));
  prometheus::Registry registry_of_two;
  Metrics two(registry_of_two, {"fake", "live"});
  pipeline = std::make_unique<Pipeline>(config, std::move(stages), two, logger);
  pipeline->start();
  feed(200);
  for (std::uint64_t i = 0; i < 400; ++i) live->add(some_frame(i, 2));
  live->wait_until_taken();
  gate.open();
  source->wait_until_taken();
  pipeline->stop();
  std::size_t of_one_that_waits = 0;
  for (const auto& result : sink->results()) of_one_that_waits += result->pattern->id.run == 1;
  EXPECT_EQ(of_one_that_waits, 200u);
  const Accounts accounts = two.accounts();
  EXPECT_GT(count(accounts, Stage::ingest, DropReason::queue_full), 0u);
  EXPECT_TRUE(accounts.accounted());
  pipeline.reset();
}

// Sinks

TEST_F(SeamsTest, EveryFrameIsFinalOnceAfterItsLastResult) {
  config.refine_policy = RefinePolicy::all;
  stages.solvers.push_back(std::make_unique<FakeSolver>());
  build();
  feed(20);
  drain();
  const auto words = sink->words();
  std::vector<std::uint64_t> sequences;
  for (const auto& final : sink->finals()) {
    sequences.push_back(final.sequence);
    const auto refined = std::ranges::find(words, "refined " + std::to_string(final.sequence));
    EXPECT_LT(refined - words.begin(), static_cast<std::ptrdiff_t>(final.words));
  }
  std::ranges::sort(sequences);
  ASSERT_EQ(sequences.size(), 20u);
  for (std::uint64_t i = 0; i < 20; ++i) EXPECT_EQ(sequences[i], i);
}

TEST_F(SeamsTest, AFrameThatIsNotRefinedIsFinalAtOnce) {
  build();
  feed(3);
  drain();
  ASSERT_EQ(sink->finals().size(), 3u);
  EXPECT_EQ(sink->finals()[1].sequence, 1u);
  EXPECT_EQ(sink->finals()[1].words, 2u);
}

TEST_F(SeamsTest, AFrameWhoseRefinementIsLostIsFinalToo) {
  Gate gate;
  config.refine_policy = RefinePolicy::all;
  config.refine_queue = 2;
  stages.solvers.push_back(std::make_unique<FakeSolver>([&] {
    gate.pass();
    throw std::invalid_argument("no support");
  }));
  build();
  feed(30);
  source->wait_until_taken();
  sink->wait_for(30);
  gate.open();
  pipeline->stop();
  EXPECT_EQ(metrics.accounts().refined, 0u);
  EXPECT_GT(count(metrics.accounts(), RefineLoss::queue_full), 0u);
  EXPECT_GT(count(metrics.accounts(), RefineLoss::unsolvable), 0u);
  EXPECT_EQ(sink->finals().size(), 30u);
}

TEST_F(SeamsTest, TheEndOfARunComesAfterItsLastRefinedResult) {
  Gate gate;
  config.refine_policy = RefinePolicy::all;
  stages.solvers.push_back(std::make_unique<FakeSolver>([&] { gate.pass(); }));
  build();
  source->add(ingest::RunBegin{.source = "fake", .run = 1, .expected_frames = 2});
  feed(2);
  source->add(ingest::RunEnd{.source = "fake", .run = 1, .sent_frames = 2});
  source->add(
      ingest::RunEnd{.source = "fake", .run = 8, .sent_frames = 0});  // nothing of this one is refined
  sink->wait_for(4);
  EXPECT_THAT(sink->words(), ElementsAre("begin 1", "inferred 0", "inferred 1", "end 8"));
  gate.open();
  drain();
  EXPECT_THAT(sink->words(), ElementsAre("begin 1", "inferred 0", "inferred 1", "end 8", "refined 0",
                                         "refined 1", "end 1", "bye"));
}

TEST(RunEnds, ABeginSetsTheEndBeforeItFreeAndARepeatedEndReplacesIt) {
  const FrameId frame{.run = 1, .source = "a"};
  const auto event = [](RunEvent::Kind kind, std::uint64_t frames) {
    return RunEvent{.kind = kind, .source = "a", .run = 1, .received_frames = frames};
  };
  RunEnds ends;
  EXPECT_EQ(ends.take(event(RunEvent::Kind::end, 0)).size(), 1u) << "nothing is open";
  ends.opened(frame);
  ends.opened(frame);
  EXPECT_THAT(ends.take(event(RunEvent::Kind::end, 1)), IsEmpty());
  EXPECT_THAT(ends.take(event(RunEvent::Kind::end, 2)), IsEmpty());
  EXPECT_FALSE(ends.closed(frame));
  const auto out = ends.take(event(RunEvent::Kind::begin, 0));
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].received_frames, 2u);
  EXPECT_EQ(out[1].kind, RunEvent::Kind::begin);
  EXPECT_THAT(ends.take(event(RunEvent::Kind::end, 3)), IsEmpty());
  EXPECT_EQ(ends.closed(frame).value().received_frames, 3u);
  EXPECT_FALSE(ends.closed(frame)) << "a frame that was never opened";
}

/// Waits at a gate with every result, or breaks.
class SlowSink : public RecordingSink {
 public:
  explicit SlowSink(Gate& gate, bool breaks = false) : gate_(gate), breaks_(breaks) {}
  using RecordingSink::take;
  bool take(const std::shared_ptr<const Reconstruction>& result) override {
    gate_.pass();
    if (breaks_) throw std::runtime_error("no space left on the disk");
    return RecordingSink::take(result);
  }
  std::size_t queue_length() const override { return 4; }

 private:
  Gate& gate_;
  const bool breaks_;
};

TEST_F(SeamsTest, ASinkThatWaitsHoldsUpNobodyAndGetsWhatFindsRoom) {
  Gate gate;
  auto slow = std::make_shared<SlowSink>(gate);
  stages.sinks.push_back(slow);
  build();
  source->add(ingest::RunBegin{.source = "fake", .run = 1, .expected_frames = 50});
  feed(200);
  source->add(ingest::RunEnd{.source = "fake", .run = 1, .sent_frames = 200});
  sink->wait_for(202);
  slow->wait_for(1);
  EXPECT_EQ(metrics.accounts().published, 200u);
  EXPECT_THAT(slow->words(), ElementsAre("begin 1"));
  gate.open();
  drain();
  const auto words = slow->words();
  EXPECT_EQ(words.back(), "bye");
  EXPECT_THAT(metric_text(), HasSubstr("flashphase_publish_dropped_total{sink=\"recording\"}"));
  EXPECT_LT(slow->results().size(), 200u);
  EXPECT_GE(slow->results().size(), 4u);
  EXPECT_EQ(words[words.size() - 2], "end 1") << "words find room";
  EXPECT_GE(slow->finals().size(), 64u);
}

TEST(QueuedSink, WhatASlowSinkHasNotBegunWithAtTheDeadlineIsMissed) {
  Gate gate;
  auto slow = std::make_shared<SlowSink>(gate);
  std::atomic<int> missed = 0;
  QueuedSink sink(slow, [&] { ++missed; });
  const auto result = [] {
    auto one = std::make_shared<Reconstruction>();
    one->pattern = std::make_shared<Pattern>();
    return one;
  };
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(sink.take(result()));
  gate.wait_for_someone();
  std::thread finishing([&] { sink.finish(Clock::now()); });
  while (sink.take(publish::Bye{})) std::this_thread::yield();  // until it takes nothing more
  gate.open();
  finishing.join();
  EXPECT_EQ(slow->results().size(), 1u) << "the one in its hands";
  EXPECT_GE(missed.load(), 2);
}

TEST_F(SeamsTest, ASinkThatBreaksIsAProblemAndTheOthersGoOn) {
  Gate gate;
  gate.open();
  stages.sinks.push_back(std::make_shared<SlowSink>(gate, true));
  build();
  feed(20);
  while (pipeline->problems().empty()) std::this_thread::yield();
  EXPECT_THAT(pipeline->problems(), ElementsAre("sink recording: no space left on the disk"));
  EXPECT_EQ(drain().published, 20u);
  EXPECT_EQ(pipeline->state(), State::stopped);
}

// Models

Networks networks_called(const std::string& name, std::size_t workers = 1) {
  Networks networks;
  for (std::size_t i = 0; i < workers; ++i)
    networks.workers.push_back(std::make_unique<FakeNetwork>([](int) {}, name));
  return networks;
}

class OtherSize : public FakeNetwork {
 public:
  OtherSize() { info_of_other_.pattern_size = 2 * testing_support::kPatternSize; }
  const ModelInfo& info() const override { return info_of_other_; }

 private:
  ModelInfo info_of_other_;
};

TEST_F(SeamsTest, AModelIsReplacedBetweenTwoBatches) {
  build();
  feed(10);
  sink->wait_for(10);
  pipeline->replace_model(networks_called("other"));
  EXPECT_EQ(pipeline->model()->info->name, "other");
  feed(10, 10);
  const Accounts accounts = drain();
  EXPECT_EQ(accounts.published, 20u);
  EXPECT_TRUE(accounts.accounted());
  for (const auto& result : sink->results())
    EXPECT_EQ(result->model->name, result->pattern->id.sequence < 10 ? "fake" : "other");
}

TEST_F(SeamsTest, ManyModelsUnderLoadCostNoFrame) {
  source->set_waits();
  config.refine_policy = RefinePolicy::all;
  config.refine_queue = 100'000;
  stages.solvers.push_back(std::make_unique<FakeSolver>());
  stages.networks = networks_called("model 0", 2);
  stages.networks.viewers.push_back(std::make_unique<FakeNetwork>());
  config.refine_starts = 2;
  build();
  feed(3000);
  for (int i = 1; i <= 100; ++i) {
    auto next = networks_called("model " + std::to_string(i), 2);
    if (i % 2 == 0) next.viewers.push_back(std::make_unique<FakeNetwork>());
    pipeline->replace_model(std::move(next));
    feed(30, 3000 + 30 * static_cast<std::uint64_t>(i));
  }
  const Accounts accounts = drain();
  EXPECT_EQ(accounts.published, 6000u);
  EXPECT_EQ(accounts.refined, 6000u);
  EXPECT_TRUE(accounts.accounted());
}

TEST_F(SeamsTest, AModelThatDoesNotFitChangesNothing) {
  build();
  EXPECT_THAT([&] { pipeline->replace_model({}); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("a network")));
  EXPECT_THAT([&] { pipeline->replace_model(networks_called("two", 2)); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("for each of its workers")));
  Networks other;
  other.workers.push_back(std::make_unique<OtherSize>());
  EXPECT_THAT([&] { pipeline->replace_model(std::move(other)); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("not as the running model")));
  EXPECT_EQ(pipeline->model()->info->name, "fake");
  EXPECT_EQ(pipeline->model()->generation, 0u);
  feed(3);
  EXPECT_EQ(drain().published, 3u);
}

}  // namespace
}  // namespace flashphase::service
