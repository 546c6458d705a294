// Begins and ends of runs keep their place among the frames, and tell what never came.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/service/pipeline/pipeline_fixture.h"

namespace flashphase::service {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::count;
using testing_support::FakeNetwork;
using testing_support::Gate;
using testing_support::PipelineTest;
using testing_support::RecordingSink;

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

TEST_F(PipelineTest, TheEndOfARunSaysWhatNeverCame) {
  build();
  source->add(ingest::RunBegin{.source = "fake", .run = 1, .expected_frames = 150});
  feed(100);
  source->add(ingest::RunEnd{.source = "fake", .run = 1, .sent_frames = 150});
  feed(1, 120);
  drain();
  EXPECT_THAT(metric_text(), HasSubstr("flashphase_sequence_missing_frames_total{source=\"fake\"} 50\n"));
  EXPECT_THAT(metric_text(), HasSubstr("flashphase_sequence_late_frames_total{source=\"fake\"} 1\n"));
  EXPECT_EQ(sink->last_event().sent_frames, 150u);
  EXPECT_EQ(sink->last_event().received_frames, 100u);
  EXPECT_EQ(sink->last_event().missing_frames, 50u);
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

TEST_F(PipelineTest, RunsKeepTheirPlaceAmongTheFramesWhoeverIsAtWork) {
  constexpr std::uint64_t kRuns = 40, kFrames = 7;
  config.preprocess_threads = 3;
  config.batch_size = 2;
  for (int i = 0; i < 3; ++i)
    stages.networks.workers.push_back(std::make_unique<FakeNetwork>(
        [](int count) { std::this_thread::sleep_for(std::chrono::microseconds(100 * count)); }));
  build();
  for (std::uint64_t run = 1; run <= kRuns; ++run) {
    source->add(ingest::RunBegin{.source = "fake", .run = run, .expected_frames = kFrames});
    for (std::uint64_t i = 0; i < kFrames; ++i) source->add(testing_support::some_frame(i, run));
    source->add(ingest::RunEnd{.source = "fake", .run = run, .sent_frames = kFrames});
  }
  drain();
  const auto words = sink->words();
  ASSERT_EQ(words.size(), kRuns * (kFrames + 2) + 1);
  for (std::uint64_t run = 1; run <= kRuns; ++run) {
    EXPECT_EQ(words[(run - 1) * (kFrames + 2)], "begin " + std::to_string(run));
    EXPECT_EQ(words[run * (kFrames + 2) - 1], "end " + std::to_string(run));
  }
}

TEST_F(PipelineTest, TheEndOfARunDoesNotOvertakeItsFramesWhenOthersAreDropped) {
  Gate gate;
  config.ingest_queue = 8;
  stages.networks.workers.push_back(std::make_unique<FakeNetwork>([&](int) { gate.pass(); }));
  build();
  feed(1);
  gate.wait_for_someone();
  feed(5000, 1);
  source->add(ingest::RunEnd{.source = "fake", .run = 1, .sent_frames = 5001});
  for (std::uint64_t i = 0; i < 100; ++i) source->add(testing_support::some_frame(i, 2));
  source->wait_until_taken();
  gate.open();
  pipeline->stop();
  const auto words = sink->words();
  const auto end = std::ranges::find(words, "end 1");
  ASSERT_NE(end, words.end());
  const auto& results = sink->results();
  const auto of_run_1 =
      std::ranges::count_if(results, [](const auto& one) { return one->pattern->id.run == 1; });
  EXPECT_EQ(end - words.begin(), of_run_1) << "after all frames of its run and before the next";
}

TEST_F(PipelineTest, ABeginIsNotLostWhenFramesAre) {
  Gate gate;
  config.ingest_queue = 2;
  stages.networks.workers.push_back(std::make_unique<FakeNetwork>([&](int) { gate.pass(); }));
  build();
  feed(300);
  source->add(ingest::RunBegin{.source = "fake", .run = 9, .expected_frames = 0});
  feed(300, 300);
  source->wait_until_taken();
  gate.open();
  pipeline->stop();
  EXPECT_THAT(sink->words(), testing::Contains("begin 9").Times(1));
}

TEST_F(PipelineTest, RunEventsThatASinkMissesAreCountedToo) {
  stages.sinks.push_back(std::make_shared<RecordingSink>(false));
  build();
  source->add(ingest::RunBegin{.source = "fake", .run = 1});
  source->add(ingest::RunEnd{.source = "fake", .run = 1});
  drain();
  EXPECT_THAT(metric_text(), HasSubstr("flashphase_publish_dropped_total{sink=\"recording\"} 3\n"))
      << "begin, end and bye";
}

}  // namespace
}  // namespace flashphase::service
