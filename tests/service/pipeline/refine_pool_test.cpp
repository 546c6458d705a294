#include "service/pipeline/refine_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <complex>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace flashphase::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kM = 4, kN = 2;

/// `excess`: how many times above what explains it; 0 for a job without effort.
RefineJob job(std::uint64_t sequence, int rounds = 0, float excess = 0) {
  auto pattern = std::make_shared<Pattern>();
  pattern->id.sequence = sequence;
  pattern->size = kM;
  pattern->intensity.assign(kM * kM, 1.5f);
  pattern->measured.assign(kM * kM, 1);
  RefineJob one{pattern, ObjectBatch(1, kN), nullptr, {}, Clock::now()};
  one.rounds = rounds;
  if (excess == 0) return one;
  const refine::ExplainOptions options{.exact = 1e-3f};
  one.effort =
      std::make_unique<refine::Effort>(kM, pattern->intensity, pattern->measured,
                                       refine::Starts{1, kN, std::vector<std::complex<float>>(kN * kN, 1),
                                                      std::vector<std::uint8_t>(kN * kN, 1)},
                                       options);
  one.effort->begin_with(
      {std::vector<std::complex<float>>(kN * kN), std::vector<std::uint8_t>(kN * kN), 1e-3f * excess});
  return one;
}

std::vector<std::uint64_t> sequences(const std::vector<RefineJob>& jobs) {
  std::vector<std::uint64_t> all;
  for (const RefineJob& one : jobs) all.push_back(one.pattern->id.sequence);
  return all;
}

std::vector<std::uint64_t> drained(RefinePool& pool) {
  std::vector<RefineJob> jobs;
  pool.close();
  while (pool.pop_some(jobs, 3) > 0) {
  }
  return sequences(jobs);
}

TEST(RefinePool, GivesFramesOfOneCallInTheirOrderAndLosesTheOldest) {
  RefinePool pool(3);
  for (std::uint64_t i = 0; i < 3; ++i) EXPECT_THAT(pool.push(job(i)), IsEmpty());
  EXPECT_THAT(sequences(pool.push(job(3))), ElementsAre(0));
  EXPECT_THAT(sequences(pool.push(job(4))), ElementsAre(1));
  EXPECT_EQ(pool.size(), 3u);
  EXPECT_THAT(drained(pool), ElementsAre(2, 3, 4));
}

TEST(RefinePool, FirstRoundsGoBeforeLaterOnesAndOfTheseWhatIsExplainedLeast) {
  RefinePool pool(10);
  (void)pool.push(job(1, 2, 900));
  (void)pool.push(job(2, 1, 5));
  (void)pool.push(job(3, 1, 50));
  (void)pool.push(job(4, 1, 5));
  (void)pool.push(job(5));
  EXPECT_THAT(drained(pool), ElementsAre(5, 3, 2, 4, 1));
}

TEST(RefinePool, WhatHasHadTheMostRoundsMakesRoomAndOfTheseWhatIsExplainedBest) {
  RefinePool pool(4);
  (void)pool.push(job(1, 2, 900));
  (void)pool.push(job(2, 2, 5));
  (void)pool.push(job(3, 2, 5));
  (void)pool.push(job(4, 1, 2));
  EXPECT_THAT(sequences(pool.push(job(5))), ElementsAre(2));
  EXPECT_THAT(sequences(pool.push(job(6))), ElementsAre(3));
  EXPECT_THAT(sequences(pool.push(job(7, 3, 9))), ElementsAre(7)) << "the one that comes may be it";
  EXPECT_THAT(sequences(pool.push(job(8))), ElementsAre(1));
  EXPECT_THAT(drained(pool), ElementsAre(5, 6, 8, 4));
}

TEST(RefinePool, TakesNothingNewOnceItIsClosedButWhatComesBack) {
  RefinePool pool(4);
  pool.close();
  EXPECT_THAT(sequences(pool.push(job(1))), ElementsAre(1));
  EXPECT_THAT(pool.push(job(2, 1, 9)), IsEmpty());
  EXPECT_THAT(drained(pool), ElementsAre(2));
}

TEST(RefinePool, WakesWhoWaits) {
  RefinePool pool(4);
  std::vector<RefineJob> jobs;
  std::thread waiting([&] {
    while (pool.pop_some(jobs, 1) > 0) {
    }
  });
  (void)pool.push(job(1));
  (void)pool.push(job(2));
  pool.close();
  waiting.join();
  EXPECT_THAT(sequences(jobs), ElementsAre(1, 2));
}

TEST(RefinePool, PopDoesNotWait) {
  RefinePool pool(4);
  EXPECT_EQ(pool.pop(), std::nullopt);
  (void)pool.push(job(1));
  EXPECT_TRUE(pool.pop());
  EXPECT_EQ(pool.size(), 0u);
}

}  // namespace
}  // namespace flashphase::service
