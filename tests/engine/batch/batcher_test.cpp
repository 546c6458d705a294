#include "engine/batch/batcher.h"

#include <gmock/gmock.h>

#include <memory>

namespace flashphase::batch {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

Clock::time_point at(int ms) {
  return Clock::time_point(milliseconds(1000 + ms));
}

TEST(Batcher, GivesAFullBatchInOrderOfArrival) {
  Batcher<int> batcher(3, milliseconds(2));
  EXPECT_FALSE(batcher.add(1, at(0)));
  EXPECT_FALSE(batcher.add(2, at(0)));
  const auto batch = batcher.add(3, at(0));
  ASSERT_TRUE(batch);
  EXPECT_THAT(*batch, ElementsAre(1, 2, 3));
  EXPECT_FALSE(batcher.due());
  EXPECT_FALSE(batcher.poll(at(100)));
}

TEST(Batcher, GivesWhatIsThereWhenTheOldestHasWaitedItsDeadline) {
  Batcher<int> batcher(10, milliseconds(2));
  batcher.add(1, at(0));
  batcher.add(2, at(1));
  EXPECT_FALSE(batcher.poll(at(1)));
  const auto batch = batcher.poll(at(2));
  ASSERT_TRUE(batch);
  EXPECT_THAT(*batch, ElementsAre(1, 2));
}

TEST(Batcher, IsDueByTheOldestItemAndNotByTheNewest) {
  Batcher<int> batcher(10, milliseconds(2));
  EXPECT_FALSE(batcher.due());
  batcher.add(1, at(0));
  batcher.add(2, at(1));
  EXPECT_EQ(batcher.due(), at(2));
}

TEST(Batcher, StartsANewDeadlineAfterEachBatch) {
  Batcher<int> batcher(2, milliseconds(2));
  batcher.add(1, at(0));
  ASSERT_TRUE(batcher.add(2, at(1)));
  batcher.add(3, at(5));
  EXPECT_EQ(batcher.due(), at(7));
  EXPECT_FALSE(batcher.poll(at(6)));
  EXPECT_TRUE(batcher.poll(at(7)));
}

TEST(Batcher, GivesEveryItemAtOnceWithASizeOfOne) {
  Batcher<int> batcher(1, milliseconds(2));
  const auto batch = batcher.add(7, at(0));
  ASSERT_TRUE(batch);
  EXPECT_THAT(*batch, ElementsAre(7));
}

TEST(Batcher, DrainsWhatIsLeft) {
  Batcher<std::unique_ptr<int>> batcher(10, milliseconds(2));
  batcher.add(std::make_unique<int>(4), at(0));
  const auto left = batcher.take();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(*left.front(), 4);
  EXPECT_THAT(batcher.take(), IsEmpty());
  EXPECT_FALSE(batcher.due());
}

}  // namespace
}  // namespace flashphase::batch
