#include "engine/score/split.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

namespace flashphase::score {
namespace {

TEST(SplitCounts, DealsOutEveryPhotonOfTheMeasuredPixels) {
  const std::vector<float> counts{0, 1, 2, 63, 64, 65, 1000, 70000, 5};
  const std::vector<std::uint8_t> measured{1, 1, 1, 1, 1, 1, 1, 1, 0};
  for (const std::uint64_t seed : {1, 2, 3}) {
    const Halves halves = split_counts(counts, measured, seed);
    for (std::size_t i = 0; i + 1 < counts.size(); ++i) {
      EXPECT_EQ(halves.seen[i] + halves.unseen[i], counts[i]);
      EXPECT_EQ(halves.seen[i], std::round(halves.seen[i]));
      EXPECT_GE(halves.seen[i], 0);
      EXPECT_GE(halves.unseen[i], 0);
    }
    EXPECT_EQ(halves.seen.back() + halves.unseen.back(), 0);
  }
}

TEST(SplitCounts, TakesItsSeed) {
  const std::vector<float> counts(100, 20.0f);
  const std::vector<std::uint8_t> measured(counts.size(), 1);
  EXPECT_EQ(split_counts(counts, measured, 1).seen, split_counts(counts, measured, 1).seen);
  EXPECT_NE(split_counts(counts, measured, 1).seen, split_counts(counts, measured, 2).seen);
}

/// Mean and variance of the halves of Poisson counts, and their covariance.
void expect_independent_poisson(double mean, std::size_t draws) {
  std::mt19937 random(4);
  std::poisson_distribution<int> poisson(mean);
  std::vector<float> counts;
  for (std::size_t i = 0; i < draws; ++i) counts.push_back(static_cast<float>(poisson(random)));
  const Halves halves = split_counts(counts, std::vector<std::uint8_t>(draws, 1), 9);
  double a = 0, b = 0, aa = 0, ab = 0;
  const double half = mean / 2;
  for (std::size_t i = 0; i < draws; ++i) {
    const double x = static_cast<double>(halves.seen[i]) - half,
                 y = static_cast<double>(halves.unseen[i]) - half;
    a += x;
    b += y;
    aa += x * x;
    ab += x * y;
  }
  const double n = static_cast<double>(draws), error = 4 / std::sqrt(n);
  EXPECT_NEAR(a / n / std::sqrt(half), 0, error) << mean;
  EXPECT_NEAR(b / n / std::sqrt(half), 0, error) << mean;
  EXPECT_NEAR(aa / n / half, 1, error * std::sqrt(2 + 1 / half)) << mean;
  EXPECT_NEAR(ab / n / half, 0, error) << mean;
}

TEST(SplitCounts, GivesHalvesWithIndependentPoissonNoise) {
  for (const double mean : {0.3, 3.0, 100.0, 1e5}) expect_independent_poisson(mean, 20000);
}

TEST(HoldsCounts, KnowsWholeNumbersAndFlatFieldsFromPatternsWithoutNoise) {
  const std::vector<std::uint8_t> measured{1, 1, 1, 0};
  EXPECT_TRUE(holds_counts(std::vector<float>{0, 1, 7, 0}, measured));
  EXPECT_TRUE(holds_counts(std::vector<float>{0, 0.8f, 7.2f, 0}, measured));
  EXPECT_FALSE(holds_counts(std::vector<float>{0, 0.2f, 7, 0}, measured));
  EXPECT_TRUE(holds_counts(std::vector<float>{0, 1, 7, 0.2f}, measured))
      << "what is not measured does not count";
}

}  // namespace
}  // namespace flashphase::score
