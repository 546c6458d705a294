#include "service/ingest/sequence_tracker.h"

#include <gtest/gtest.h>

#include <limits>
#include <ostream>
#include <vector>

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
  EXPECT_FALSE(tracker.begin(begin_of(1)).missing_end);
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
  EXPECT_FALSE(tracker.begin(begin_of(1)).missing_end);
  EXPECT_TRUE(tracker.begin(begin_of(2)).missing_end);
  EXPECT_FALSE(tracker.begin(begin_of(7, "b")).missing_end) << "of another source";
  tracker.end({.source = "a", .run = 2});
  EXPECT_FALSE(tracker.begin(begin_of(3)).missing_end);
}

TEST(SequenceTracker, ABeginAllowsTheSameNumbersAgain) {
  SequenceTracker tracker;
  tracker.begin(begin_of(1));
  tracker.frame(id(0));
  EXPECT_TRUE(tracker.begin(begin_of(1)).missing_end);
  const auto again = tracker.frame(id(0));
  EXPECT_FALSE(again.duplicate);
  EXPECT_FALSE(again.missing_begin);
}

TEST(SequenceTracker, ABeginThatIsOnlyRepeatedMakesNoGap) {
  SequenceTracker tracker;
  tracker.begin(begin_of(1));
  for (const std::uint64_t n : {0, 1, 2}) tracker.frame(id(n));
  EXPECT_TRUE(tracker.begin(begin_of(1)).missing_end);
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

/// What a tracker says of frames in this order, added up.
struct Sum {
  std::uint64_t missing = 0;
  int late = 0, implausible = 0, restarted = 0, duplicates = 0;
  bool operator==(const Sum&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Sum& sum) {
  return out << "missing " << sum.missing << " late " << sum.late << " implausible " << sum.implausible
             << " restarted " << sum.restarted << " duplicates " << sum.duplicates;
}
Sum sum_of(SequenceTracker& tracker, const std::vector<std::uint64_t>& sequences) {
  Sum sum;
  for (const std::uint64_t n : sequences) {
    const auto seen = tracker.frame(id(n));
    sum.missing += seen.missing;
    sum.late += seen.late;
    sum.implausible += seen.implausible;
    sum.restarted += seen.restarted;
    sum.duplicates += seen.duplicate;
  }
  return sum;
}

/// first, first + 1, ... up to but not including `last`.
std::vector<std::uint64_t> from_to(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t n = first; n < last; ++n) numbers.push_back(n);
  return numbers;
}

constexpr std::uint64_t kAbsurd = 445'920'914, kHighest = std::numeric_limits<std::uint64_t>::max();

TEST(SequenceTracker, AnAbsurdNumberIsCountedAsThatAndChangesNothing) {
  for (const std::uint64_t absurd : {kAbsurd, kHighest, kHighest - 1}) {
    SequenceTracker tracker;
    tracker.begin(begin_of(1));
    EXPECT_EQ(sum_of(tracker, from_to(0, 100)), Sum{});
    EXPECT_EQ(sum_of(tracker, {absurd}), Sum{.implausible = 1});
    EXPECT_EQ(sum_of(tracker, from_to(100, 200)), Sum{}) << absurd;
    EXPECT_EQ(sum_of(tracker, {150}), Sum{.duplicates = 1}) << absurd;
    EXPECT_EQ(tracker.end({.source = "a", .run = 1, .sent_frames = 201}).missing, 0u)
        << "the absurd frame itself was received";
  }
}

TEST(SequenceTracker, AnAbsurdNumberTwiceInARowIsADuplicate) {
  SequenceTracker tracker;
  tracker.begin(begin_of(1));
  EXPECT_EQ(sum_of(tracker, {0, kAbsurd, kAbsurd, 1}), (Sum{.implausible = 1, .duplicates = 1}));
}

TEST(SequenceTracker, ABurstOfAbsurdNumbersDoesNotAddToTheMissing) {
  SequenceTracker tracker;
  tracker.begin(begin_of(1));
  sum_of(tracker, from_to(0, 100));
  EXPECT_EQ(sum_of(tracker, from_to(kAbsurd, kAbsurd + 5)), (Sum{.implausible = 1, .restarted = 1}));
  EXPECT_EQ(sum_of(tracker, from_to(100, 200)), (Sum{.implausible = 1, .restarted = 1}));
  const auto ended = tracker.end({.source = "a", .run = 1, .sent_frames = 205});
  EXPECT_EQ(ended.received_frames, 205u);
  EXPECT_EQ(ended.missing_frames, 0u);
}

TEST(SequenceTracker, ALongOutageIsCountedAtTheEndOfTheRun) {
  SequenceTracker tracker;
  tracker.begin(begin_of(1));
  EXPECT_EQ(sum_of(tracker, {0, 1, 1'000'000, 1'000'001, 1'000'003}),
            (Sum{.missing = 1, .implausible = 1, .restarted = 1}));
  EXPECT_EQ(tracker.end({.source = "a", .run = 1, .sent_frames = 1'000'004}).missing, 999'998u);
}

TEST(SequenceTracker, TakesTwoNumbersFarBackAsASenderThatCountsAgain) {
  SequenceTracker tracker;
  sum_of(tracker, from_to(1'000'000, 1'000'010));
  EXPECT_EQ(sum_of(tracker, {0, 1, 2}), (Sum{.implausible = 1, .restarted = 1}));
  EXPECT_EQ(sum_of(tracker, {0, 1, 2}), Sum{.duplicates = 3});
}

TEST(SequenceTracker, FramesThatTheEndNamesAndThatNeverCameAreMissing) {
  SequenceTracker tracker;
  tracker.begin(begin_of(1));
  sum_of(tracker, from_to(0, 100));
  const auto ended = tracker.end({.source = "a", .run = 1, .sent_frames = 150});
  EXPECT_EQ(ended.missing, 50u);
  EXPECT_EQ(ended.missing_frames, 50u);
  EXPECT_EQ(tracker.end({.source = "a", .run = 1, .sent_frames = 150}).missing, 0u)
      << "an end that is repeated";
}

TEST(SequenceTracker, FramesThatTheBeginAnnouncedAreMissingWhenTheEndDoesNotSay) {
  SequenceTracker tracker;
  tracker.begin({.source = "a", .run = 1, .expected_frames = 150});
  sum_of(tracker, from_to(0, 100));
  EXPECT_EQ(tracker.end({.source = "a", .run = 1}).missing, 50u);
  tracker.begin({.source = "a", .run = 2, .expected_frames = 150});
  EXPECT_EQ(tracker.end({.source = "a", .run = 2, .sent_frames = 0}).missing, 150u) << "not one frame came";
  tracker.begin({.source = "a", .run = 3, .expected_frames = 150});
  EXPECT_EQ(tracker.begin({.source = "a", .run = 4, .expected_frames = 0}).missing, 150u) << "no end came";
  tracker.begin({.source = "a", .run = 4, .expected_frames = 150});
  EXPECT_EQ(tracker.end({.source = "a", .run = 4, .sent_frames = 7}).missing, 7u)
      << "the sender knows better";
}

TEST(SequenceTracker, TheEndDoesNotCountAGapInTheMiddleAgain) {
  SequenceTracker tracker;
  tracker.begin(begin_of(1));
  EXPECT_EQ(sum_of(tracker, {0, 1, 5, 6, 3}), (Sum{.missing = 3, .late = 1}));
  const auto ended = tracker.end({.source = "a", .run = 1, .sent_frames = 10});
  EXPECT_EQ(ended.missing, 3u) << "7, 8, 9";
  EXPECT_EQ(ended.missing_frames, 5u) << "2, 4 and those";
}

TEST(SequenceTracker, AFrameAfterTheEndIsLateAndNotDoubleAndNotMissingAgain) {
  SequenceTracker tracker;
  tracker.begin(begin_of(1));
  sum_of(tracker, from_to(0, 100));
  EXPECT_EQ(tracker.end({.source = "a", .run = 1, .sent_frames = 150}).missing, 50u);
  EXPECT_EQ(sum_of(tracker, {120, 100}), Sum{.late = 2});
  EXPECT_EQ(sum_of(tracker, {120}), Sum{.duplicates = 1});
  EXPECT_EQ(tracker.end({.source = "a", .run = 1, .sent_frames = 150}).missing_frames, 48u);
}

TEST(SequenceTracker, FramesBeforeTheFirstOfAnUnannouncedRunAreNotMissing) {
  SequenceTracker tracker;
  sum_of(tracker, from_to(900, 950));
  EXPECT_EQ(tracker.end({.source = "a", .run = 1, .sent_frames = 1000}).missing, 50u);
  EXPECT_EQ(tracker.end({.source = "a", .run = 2, .sent_frames = 1000}).missing, 0u)
      << "nothing is known of it";
}

TEST(SequenceTracker, AnAbsurdNumberOfFramesSentIsNotBelieved) {
  SequenceTracker tracker;
  tracker.begin({.source = "a", .run = 1, .expected_frames = kHighest});
  sum_of(tracker, from_to(0, 10));
  const auto ended = tracker.end({.source = "a", .run = 1, .sent_frames = kHighest});
  EXPECT_TRUE(ended.implausible);
  EXPECT_EQ(ended.missing, 0u);
  tracker.begin({.source = "a", .run = 2, .expected_frames = kHighest});
  const auto begun = tracker.begin(begin_of(3));
  EXPECT_TRUE(begun.implausible);
  EXPECT_EQ(begun.missing, 0u);
}

TEST(SequenceTracker, KnowsWhetherARunIsOpen) {
  SequenceTracker tracker;
  EXPECT_FALSE(tracker.open());
  tracker.begin(begin_of(1));
  EXPECT_TRUE(tracker.open());
  tracker.begin(begin_of(2));
  tracker.end({.source = "a", .run = 2});
  EXPECT_FALSE(tracker.open());
}

TEST(SequenceTracker, RemembersDuplicatesAsFarAsItsWindow) {
  SequenceTracker tracker;
  tracker.begin(begin_of(1));
  sum_of(tracker, from_to(0, SequenceTracker::kWindow));
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
