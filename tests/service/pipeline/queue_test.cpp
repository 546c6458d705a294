#include "service/pipeline/queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

namespace flashphase::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const auto kPast = Clock::time_point{};

TEST(Queue, GivesItemsOutInTheOrderTheyCameIn) {
  Queue<int> queue(3, WhenFull::block);
  for (const int i : {1, 2, 3}) EXPECT_THAT(queue.push(i), IsEmpty());
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.pop(), 3);
}

TEST(Queue, DropsTheOldestAndGivesItBackWhenFull) {
  Queue<int> queue(2, WhenFull::drop_oldest);
  EXPECT_THAT(queue.push(1), IsEmpty());
  EXPECT_THAT(queue.push(2), IsEmpty());
  EXPECT_THAT(queue.push(3), ElementsAre(1));
  EXPECT_EQ(queue.lost(), 1u);
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.pop(), 3);
}

TEST(Queue, GivesTheItemItselfBackWhenThereIsNoRoomUntilTheDeadline) {
  Queue<int> queue(1, WhenFull::block);
  EXPECT_THAT(queue.push(1), IsEmpty());
  EXPECT_THAT(queue.push(2, kPast), ElementsAre(2));
  EXPECT_EQ(queue.lost(), 1u);
  EXPECT_EQ(queue.size(), 1u);
}

TEST(Queue, GivesNothingWhenTheDeadlinePasses) {
  Queue<int> queue(1, WhenFull::block);
  Queue<int>::Consumer consumer(queue);
  EXPECT_FALSE(queue.pop(kPast));
  std::vector<int> out;
  EXPECT_EQ(consumer.pop_some(out, 4, kPast), 0u);
  EXPECT_FALSE(queue.drained());
}

TEST(Queue, CanBeEmptiedAfterClosingButTakesNothingMore) {
  Queue<int> queue(4, WhenFull::drop_oldest);
  EXPECT_THAT(queue.push(1), IsEmpty());
  queue.close();
  EXPECT_THAT(queue.push(2), ElementsAre(2));
  EXPECT_FALSE(queue.drained());
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_TRUE(queue.drained());
  EXPECT_FALSE(queue.pop());
}

TEST(Queue, TakesSeveralAtOnceUpToTheNumberAskedFor) {
  Queue<int> queue(8, WhenFull::block);
  Queue<int>::Consumer consumer(queue);
  for (int i = 0; i < 5; ++i) EXPECT_THAT(queue.push(i), IsEmpty());
  std::vector<int> out{-1};
  EXPECT_EQ(consumer.pop_some(out, 3), 3u);
  EXPECT_EQ(out, (std::vector{-1, 0, 1, 2}));
  EXPECT_EQ(queue.size(), 2u);
}

TEST(Queue, HoldsThingsThatCanOnlyBeMoved) {
  Queue<std::unique_ptr<int>> queue(1, WhenFull::drop_oldest);
  EXPECT_THAT(queue.push(std::make_unique<int>(1)), IsEmpty());
  const auto lost = queue.push(std::make_unique<int>(2));
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(*lost[0], 1);
}

TEST(Queue, HasRoomForOneEvenWhenAskedForNone) {
  Queue<int> queue(0, WhenFull::block);
  EXPECT_THAT(queue.push(1, kPast), IsEmpty());
}

std::size_t itself(const int& item) {
  return static_cast<std::size_t>(item);
}

TEST(Queue, DropsAsManyOldItemsAsANewOneWeighs) {
  Queue<int> queue(100, WhenFull::drop_oldest, 10, &itself);
  for (const int i : {1, 2, 3, 4}) EXPECT_THAT(queue.push(i), IsEmpty());
  EXPECT_EQ(queue.weight(), 10u);
  EXPECT_THAT(queue.push(5), ElementsAre(1, 2, 3));
  EXPECT_EQ(queue.weight(), 9u);
  EXPECT_EQ(queue.lost(), 3u);
  EXPECT_EQ(queue.pop(), 4);
  EXPECT_EQ(queue.weight(), 5u);
}

TEST(Queue, AnItemThatIsTooHeavyHasTheQueueForItself) {
  Queue<int> dropping(100, WhenFull::drop_oldest, 10, &itself), blocking(100, WhenFull::block, 10, &itself);
  EXPECT_THAT(dropping.push(1), IsEmpty());
  EXPECT_THAT(dropping.push(50), ElementsAre(1));
  EXPECT_THAT(dropping.push(2), ElementsAre(50));
  EXPECT_THAT(blocking.push(50, kPast), IsEmpty());
  EXPECT_THAT(blocking.push(1, kPast), ElementsAre(1));
}

TEST(Queue, AProducerWaitsUntilThereIsRoomForTheWeight) {
  Queue<int> queue(100, WhenFull::block, 10, &itself);
  for (const int i : {2, 4, 4}) EXPECT_THAT(queue.push(i), IsEmpty());
  EXPECT_THAT(queue.push(3, kPast), ElementsAre(3));
  std::thread producer([&] { EXPECT_THAT(queue.push(5), IsEmpty()); });
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.pop(), 4);
  producer.join();
  EXPECT_EQ(queue.weight(), 9u);
}

TEST(Queue, TakesFewerAtOnceWhenTheyAreHeavy) {
  Queue<int> queue(100, WhenFull::block, 160, &itself);
  Queue<int>::Consumer consumer(queue);
  for (const int i : {4, 4, 4, 30, 30}) EXPECT_THAT(queue.push(i), IsEmpty());
  std::vector<int> out;
  EXPECT_EQ(consumer.pop_some(out, 32), 3u) << "until more than 10 are taken";
  EXPECT_EQ(consumer.pop_some(out, 32), 1u);
  EXPECT_EQ(consumer.pop_some(out, 32), 1u);
}

TEST(Queue, ClosingWakesProducersAndConsumersThatWait) {
  Queue<int> full(1, WhenFull::block), empty(1, WhenFull::block);
  ASSERT_THAT(full.push(1), IsEmpty());
  std::vector<int> given_back;
  std::optional<int> taken = 0;
  std::thread producer([&] { given_back = full.push(2); });
  std::thread consumer([&] { taken = empty.pop(); });
  full.close();
  empty.close();
  producer.join();
  consumer.join();
  EXPECT_THAT(given_back, ElementsAre(2));
  EXPECT_FALSE(taken);
}

struct Traffic {
  long sent = 0, received = 0, lost = 0;
};

/// Four producers and three consumers, each number once; sums tell whether each came out exactly once.
Traffic rush(WhenFull when_full) {
  constexpr int kProducers = 4, kConsumers = 3, kEach = 5000;
  Queue<long> queue(7, when_full);
  std::atomic<long> received{0}, lost{0};
  std::vector<std::thread> producers, consumers;
  for (int p = 0; p < kProducers; ++p)
    producers.emplace_back([&, p] {
      for (long i = 1; i <= kEach; ++i)
        for (const long back : queue.push(p * kEach + i)) lost += back;
    });
  for (int c = 0; c < kConsumers; ++c)
    consumers.emplace_back([&, c] {
      Queue<long>::Consumer consumer(queue);
      std::vector<long> some;
      while (consumer.pop_some(some, static_cast<std::size_t>(c) + 1) > 0) {
        received += std::accumulate(some.begin(), some.end(), 0L);
        some.clear();
      }
    });
  for (auto& thread : producers) thread.join();
  queue.close();
  for (auto& thread : consumers) thread.join();
  const long count = kProducers * kEach;
  return {.sent = count * (count + 1) / 2, .received = received, .lost = lost};
}

TEST(Queue, LosesNothingBetweenManyThreadsWhenItBlocks) {
  const Traffic traffic = rush(WhenFull::block);
  EXPECT_EQ(traffic.received, traffic.sent);
  EXPECT_EQ(traffic.lost, 0);
}

TEST(Queue, GivesBackAllThatItDropsBetweenManyThreads) {
  const Traffic traffic = rush(WhenFull::drop_oldest);
  EXPECT_EQ(traffic.received + traffic.lost, traffic.sent);
}

TEST(Queue, WhatWaitedForItsRoomIsNeverDroppedForAnother) {
  Queue<int> queue(3, WhenFull::drop_oldest);
  EXPECT_THAT(queue.push(1, WhenFull::block), IsEmpty());
  EXPECT_THAT(queue.push(2), IsEmpty());
  EXPECT_THAT(queue.push(3, WhenFull::block), IsEmpty());
  EXPECT_THAT(queue.push(4), ElementsAre(2)) << "the oldest that may go";
  EXPECT_THAT(queue.push(5, WhenFull::block, kPast), ElementsAre(5)) << "one that waits takes nobody's place";
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_THAT(queue.push(6, WhenFull::block), IsEmpty());
  EXPECT_THAT(queue.push(7), ElementsAre(4));
  EXPECT_EQ(queue.pop(), 3);
  EXPECT_EQ(queue.pop(), 6);
  EXPECT_EQ(queue.pop(), 7);
}

TEST(Queue, GivesTheItemItselfBackWhenNothingMayGoForIt) {
  Queue<int> queue(2, WhenFull::drop_oldest, 10,
                   [](const int& item) { return static_cast<std::size_t>(item); });
  EXPECT_THAT(queue.push(9, WhenFull::block), IsEmpty());
  EXPECT_THAT(queue.push(1), IsEmpty());
  EXPECT_THAT(queue.push(2), ElementsAre(2)) << "without the one that goes it is too heavy still";
  EXPECT_EQ(queue.weight(), 10u);
  EXPECT_EQ(queue.lost(), 1u);
}

TEST(Queue, LeavesToThreadsThatShareItWhatIsTheirs) {
  Queue<int> queue(16, WhenFull::block);
  Queue<int>::Consumer consumer(queue);
  for (int i = 0; i < 9; ++i) EXPECT_THAT(queue.push(i), IsEmpty());
  std::vector<int> out;
  EXPECT_EQ(consumer.pop_some(out, 32, kPast, 4), 3u);
  EXPECT_EQ(consumer.pop_some(out, 32, kPast, 4), 2u);
  EXPECT_EQ(consumer.pop_some(out, 1, kPast, 2), 1u);
  EXPECT_EQ(consumer.pop_some(out, 32, kPast, 4), 1u) << "one is never too few";
  EXPECT_THAT(out, ElementsAre(0, 1, 2, 3, 4, 5, 6));
}

bool is_negative(const int& item) {
  return item < 0;
}

class Fences : public testing::Test {
 protected:
  /// All of it can be had at once.
  std::vector<int> take(Queue<int>::Consumer& consumer) {
    std::vector<int> out;
    consumer.pop_some(out, 32, kPast);
    return out;
  }

  Queue<int> queue{8, WhenFull::drop_oldest, 0, nullptr, &is_negative};
  Queue<int>::Consumer a{queue}, b{queue};
};

TEST_F(Fences, AFenceComesAloneOnceAllBeforeItArePassedOn) {
  for (const int i : {1, 2, -3, 4}) EXPECT_THAT(queue.push(i), IsEmpty());
  EXPECT_THAT(take(a), ElementsAre(1, 2)) << "up to the fence";
  EXPECT_THAT(take(b), IsEmpty());
  a.passed_on(1);
  EXPECT_THAT(take(b), IsEmpty());
  EXPECT_THAT(take(a), IsEmpty());
  a.passed_on(1);
  EXPECT_THAT(take(b), ElementsAre(-3)) << "alone";
  EXPECT_THAT(take(a), IsEmpty()) << "nothing overtakes it";
  b.passed_on(1);
  EXPECT_THAT(take(a), ElementsAre(4));
}

TEST_F(Fences, AConsumerThatIsGoneHoldsNothingUp) {
  for (const int i : {1, -2, 3}) EXPECT_THAT(queue.push(i), IsEmpty());
  {
    Queue<int>::Consumer gone(queue);
    EXPECT_THAT(take(gone), ElementsAre(1));
  }
  {
    Queue<int>::Consumer gone(queue);
    EXPECT_THAT(take(gone), ElementsAre(-2));
  }
  EXPECT_THAT(take(a), ElementsAre(3));
}

TEST_F(Fences, WhoWaitsForAFenceIsWoken) {
  for (const int i : {1, -2, 3}) EXPECT_THAT(queue.push(i), IsEmpty());
  EXPECT_THAT(take(a), ElementsAre(1));
  queue.close();
  std::vector<int> out;
  std::thread waiting([&] {
    while (const std::size_t count = b.pop_some(out, 32)) b.passed_on(count);
  });
  a.passed_on(1);
  waiting.join();
  EXPECT_THAT(out, ElementsAre(-2, 3));
}

TEST_F(Fences, AFenceIsNotDroppedForAnother) {
  for (const int i : {1, -2, 3, 4, 5, 6, 7, 8}) EXPECT_THAT(queue.push(i), IsEmpty());
  EXPECT_THAT(queue.push(9), ElementsAre(1));
  EXPECT_THAT(queue.push(-10), ElementsAre(3));
  EXPECT_EQ(queue.pop(), -2);
}

TEST(Queue, FencesKeepTheirPlaceBetweenManyThreads) {
  constexpr int kCount = 20000, kEvery = 16;
  Queue<int> queue(64, WhenFull::block, 0, nullptr, &is_negative);
  std::vector<std::atomic<bool>> seen(kCount + 1);
  std::atomic<int> wrong{0};
  std::vector<std::thread> consumers;
  for (int c = 0; c < 3; ++c)
    consumers.emplace_back([&] {
      Queue<int>::Consumer consumer(queue);
      std::vector<int> some;
      while (consumer.pop_some(some, 5) > 0) {
        for (const int item : some) {
          if (item < 0)  // the ones around it: all before, none after
            for (int i = std::max(1, -item - kEvery); i < std::min(-item + kEvery, kCount); ++i)
              if (seen[static_cast<std::size_t>(i)] != (i < -item)) ++wrong;
          seen[static_cast<std::size_t>(std::abs(item))] = true;
        }
        consumer.passed_on(some.size());
        some.clear();
      }
    });
  for (int i = 1; i <= kCount; ++i) (void)queue.push(i % kEvery == 0 ? -i : i);
  queue.close();
  for (auto& thread : consumers) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace flashphase::service
