#include "service/ingest/sequence_tracker.h"

#include <gtest/gtest.h>

#include <limits>

namespace flashphase::ingest {
namespace {

FrameId id(std::uint64_t sequence, std::uint64_t run = 1, const std::string& source = "a") {
  return {.run = run, .sequence = sequence, .source = source};
}

RunBegin begin_of(std::uint64_t run, const std::string& source = "a") {
  return {.source = source, .run = run, .expected_frames = 10};
}

TEST(SequenceTracker, FindsNothingWrongWithARunInOrder) {
  SequenceTracker tracker;
  EXPECT_FALSE(tracker.begin(begin_of(1)));
  for (std::uint64_t n = 0; n < 10; ++n) {
    const auto seen = tracker.frame(id(n));
    EXPECT_FALSE(seen.duplicate || seen.late || seen.restarted || seen.missing_begin);
    EXPECT_EQ(seen.missing, 0u);
  }
  const auto ended = tracker.end({.source = "a", .run = 1});
  EXPECT_FALSE(ended.missing_begin);
  EXPECT_EQ(ended.received_frames, 10u);
  EXPECT_EQ(ended.expected_frames, 10u);
}

TEST(SequenceTracker, CountsTheFramesInAGap) {
  SequenceTracker tracker;
  tracker.begin(begin_of(1));
  EXPECT_EQ(tracker.frame(id(3)).missing, 3u) << "an announced run begins at 0";
  EXPECT_EQ(tracker.frame(id(4)).missing, 0u);
  EXPECT_EQ(tracker.frame(id(10)).missing, 5u);
}

TEST(SequenceTracker, TakesTheFirstFrameOfAnUnannouncedRunAsItsBeginning) {
  SequenceTracker tracker;
  const auto first = tracker.frame(id(1000));
  EXPECT_TRUE(first.missing_begin);
  EXPECT_EQ(first.missing, 0u);
  EXPECT_FALSE(tracker.frame(id(1001)).missing_begin) << "said once per run";
}

TEST(SequenceTracker, RecognisesADuplicate) {
  SequenceTracker tracker;
  tracker.begin(begin_of(1));
  for (const std::uint64_t n : {0, 1, 2}) tracker.frame(id(n));
  EXPECT_TRUE(tracker.frame(id(2)).duplicate);
  EXPECT_TRUE(tracker.frame(id(0)).duplicate);
  EXPECT_EQ(tracker.end({.source = "a", .run = 1}).received_frames, 3u);
}

TEST(SequenceTracker, ALateFrameIsNoDuplicateTheFirstTime) {
  SequenceTracker tracker;
  tracker.begin(begin_of(1));
  tracker.frame(id(0));
  EXPECT_EQ(tracker.frame(id(2)).missing, 1u);
  const auto late = tracker.frame(id(1));
  EXPECT_TRUE(late.late);
  EXPECT_FALSE(late.duplicate);
  EXPECT_TRUE(tracker.frame(id(1)).duplicate);
}

TEST(SequenceTracker, KeepsRunsAndSourcesApart) {
  SequenceTracker tracker;
  for (const std::uint64_t run : {1, 2})
    for (const char* source : {"a", "b"}) EXPECT_FALSE(tracker.frame(id(5, run, source)).duplicate);
  EXPECT_TRUE(tracker.frame(id(5, 2, "a")).duplicate);
}

TEST(SequenceTracker, NoticesASecondBeginWithoutAnEnd) {
  SequenceTracker tracker;
  EXPECT_FALSE(tracker.begin(begin_of(1)));
  EXPECT_TRUE(tracker.begin(begin_of(2)));
  EXPECT_FALSE(tracker.begin(begin_of(7, "b"))) << "of another source";
  tracker.end({.source = "a", .run = 2});
  EXPECT_FALSE(tracker.begin(begin_of(3)));
}

TEST(SequenceTracker, ABeginAllowsTheSameNumbersAgain) {
  SequenceTracker tracker;
  tracker.begin(begin_of(1));
  tracker.frame(id(0));
  EXPECT_TRUE(tracker.begin(begin_of(1)));
  const auto again = tracker.frame(id(0));
  EXPECT_FALSE(again.duplicate);
  EXPECT_FALSE(again.missing_begin);
}

TEST(SequenceTracker, ABeginThatIsOnlyRepeatedMakesNoGap) {
  SequenceTracker tracker;
  tracker.begin(begin_of(1));
  for (const std::uint64_t n : {0, 1, 2}) tracker.frame(id(n));
  EXPECT_TRUE(tracker.begin(begin_of(1)));
  EXPECT_EQ(tracker.frame(id(3)).missing, 0u);
  EXPECT_TRUE(tracker.frame(id(2)).duplicate);
  EXPECT_EQ(tracker.end({.source = "a", .run = 1}).received_frames, 4u);
}

TEST(SequenceTracker, NoticesAnEndWithoutABegin) {
  SequenceTracker tracker;
  EXPECT_TRUE(tracker.end({.source = "a", .run = 1}).missing_begin);
  tracker.begin(begin_of(1));
  EXPECT_FALSE(tracker.end({.source = "a", .run = 1}).missing_begin);
  EXPECT_TRUE(tracker.end({.source = "a", .run = 1}).missing_begin);
}

TEST(SequenceTracker, TakesANumberFarBackAsASenderThatCountsAgain) {
  SequenceTracker tracker;
  tracker.begin(begin_of(1));
  tracker.frame(id(std::numeric_limits<std::uint64_t>::max() - 1));
  const auto again = tracker.frame(id(0));
  EXPECT_TRUE(again.restarted);
  EXPECT_FALSE(again.duplicate);
  EXPECT_TRUE(tracker.frame(id(0)).duplicate);
}

TEST(SequenceTracker, RemembersDuplicatesAsFarAsItsWindow) {
  SequenceTracker tracker;
  tracker.begin(begin_of(1));
  for (std::uint64_t n = 0; n < SequenceTracker::kWindow; ++n) tracker.frame(id(n));
  EXPECT_TRUE(tracker.frame(id(0)).duplicate);
  EXPECT_EQ(tracker.frame(id(2 * SequenceTracker::kWindow)).missing, SequenceTracker::kWindow);
  EXPECT_FALSE(tracker.frame(id(SequenceTracker::kWindow + 5)).duplicate) << "a skipped number was not seen";
  EXPECT_TRUE(tracker.frame(id(SequenceTracker::kWindow + 5)).duplicate);
}

TEST(SequenceTracker, ForgetsTheOldestOfTooManyRuns) {
  SequenceTracker tracker;
  for (std::uint64_t run = 0; run <= SequenceTracker::kRuns; ++run)
    EXPECT_TRUE(tracker.frame(id(0, run)).missing_begin);
  EXPECT_TRUE(tracker.frame(id(0, SequenceTracker::kRuns)).duplicate);
  EXPECT_TRUE(tracker.frame(id(0, 0)).missing_begin) << "run 0 made room for the newest";
}

}  // namespace
}  // namespace flashphase::ingest
