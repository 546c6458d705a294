#include "service/publish/live_view.h"

#include <gtest/gtest.h>

namespace flashphase::publish {
namespace {

using std::chrono::milliseconds;

struct Given {
  std::string source = "detector";
  std::uint64_t run = 1;
  std::uint64_t sequence = 0;
  milliseconds arrival{0};
  ResultStage stage = ResultStage::inferred;
};

void show(LiveView& view, const Given& given) {
  auto pattern = std::make_shared<Pattern>();
  pattern->id = {
      .run = given.run, .train = 0, .pulse = 0, .sequence = given.sequence, .source = given.source};
  pattern->arrival = Clock::time_point(std::chrono::hours(1)) + given.arrival;
  auto result = std::make_shared<Reconstruction>();
  result->pattern = pattern;
  result->stage = given.stage;
  EXPECT_TRUE(view.take(result));
}

std::uint64_t sequence_of(const std::shared_ptr<const Reconstruction>& result) {
  return result->pattern->id.sequence;
}

TEST(LiveView, NeverGoesBackToAnOlderFrame) {
  LiveView view;
  show(view, {.sequence = 4, .arrival = milliseconds(40)});
  const std::uint64_t number = view.latest().number;
  show(view, {.sequence = 3, .arrival = milliseconds(30)});
  EXPECT_EQ(sequence_of(view.latest().inferred), 4u);
  EXPECT_EQ(view.latest().number, number) << "nothing new to look at";
  show(view, {.sequence = 5, .arrival = milliseconds(50)});
  EXPECT_EQ(sequence_of(view.latest().inferred), 5u);
  EXPECT_EQ(view.latest().number, number + 1);
}

TEST(LiveView, GoesByTheIdWhereFramesOfARunArriveOutOfOrder) {
  LiveView view;
  show(view, {.sequence = 7, .arrival = milliseconds(10)});
  show(view, {.sequence = 6, .arrival = milliseconds(20)});
  EXPECT_EQ(sequence_of(view.latest().inferred), 7u);
}

TEST(LiveView, ANewRunIsNewerWhateverItsNumbers) {
  LiveView view;
  show(view, {.run = 9, .sequence = 1000});
  show(view, {.run = 2, .sequence = 0, .arrival = milliseconds(10)});
  EXPECT_EQ(view.latest().inferred->pattern->id.run, 2u);
  show(view, {.run = 9, .sequence = 1001, .arrival = milliseconds(5)});
  EXPECT_EQ(view.latest().inferred->pattern->id.run, 2u) << "what the old run still had inside";
}

TEST(LiveView, AnotherSourceIsNewerWhenItsFrameArrivedLater) {
  LiveView view;
  show(view, {.source = "a", .sequence = 1000, .arrival = milliseconds(10)});
  show(view, {.source = "b", .sequence = 1, .arrival = milliseconds(5)});
  EXPECT_EQ(view.latest().inferred->pattern->id.source, "a");
  show(view, {.source = "b", .sequence = 2, .arrival = milliseconds(15)});
  EXPECT_EQ(view.latest().inferred->pattern->id.source, "b");
}

TEST(LiveView, IsNotStuckBehindABigIdOfTheSameRun) {
  LiveView view;
  show(view, {.sequence = 445'920'914});
  show(view, {.sequence = 100, .arrival = milliseconds(200)});
  EXPECT_EQ(sequence_of(view.latest().inferred), 445'920'914u) << "it may be right, and this one late";
  show(view, {.sequence = 300, .arrival = milliseconds(1001)});
  EXPECT_EQ(sequence_of(view.latest().inferred), 300u) << "a sender that began anew, or a number gone wild";
}

TEST(LiveView, KeepsTheNewestRefinedResultWithItsOwnFrameBesideIt) {
  LiveView view;
  show(view, {.sequence = 8});
  show(view, {.sequence = 5, .stage = ResultStage::refined});
  show(view, {.sequence = 4, .stage = ResultStage::refined});
  EXPECT_EQ(sequence_of(view.latest().inferred), 8u);
  EXPECT_EQ(sequence_of(view.latest().refined), 5u);
}

}  // namespace
}  // namespace flashphase::publish
