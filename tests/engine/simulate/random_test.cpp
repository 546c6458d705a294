#include "engine/simulate/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace flashphase::simulate {
namespace {

struct Moments {
  double mean = 0;
  double variance = 0;
};

template <class Draw>
Moments moments(int count, Draw draw) {
  double sum = 0, squares = 0;
  for (int i = 0; i < count; ++i) {
    const double value = draw();
    sum += value;
    squares += value * value;
  }
  const double mean = sum / count;
  return {mean, squares / count - mean * mean};
}

// The words were computed by an independent program from the published algorithm.
TEST(Random, GivesTheWordsOfTheAlgorithmOnEveryMachine) {
  Random random(42, 7);
  EXPECT_EQ(random.bits(), 0x0d9893fc677d6169ULL);
  EXPECT_EQ(random.bits(), 0x8c202a1a1dd3b94dULL);
  EXPECT_EQ(random.bits(), 0xb20f071eca7887c8ULL);
}

TEST(Random, StreamsAndSeedsDiffer) {
  std::set<std::uint64_t> words;
  for (std::uint64_t seed = 0; seed < 50; ++seed)
    for (std::uint64_t stream = 0; stream < 50; ++stream) words.insert(Random(seed, stream).bits());
  EXPECT_EQ(words.size(), 2500u);
  EXPECT_NE(element_seed(1, 2), element_seed(2, 1));
}

TEST(Random, UniformFillsItsRangeEvenly) {
  Random random(1, 0);
  const Moments found = moments(100000, [&] { return random.uniform({-2, 4}); });
  EXPECT_NEAR(found.mean, 1.0, 0.03);
  EXPECT_NEAR(found.variance, 3.0, 0.05);
}

TEST(Random, LogUniformGivesEachDecadeTheSameShare) {
  Random random(2, 0);
  int below = 0;
  for (int i = 0; i < 20000; ++i) {
    const float value = random.log_uniform({1e3f, 1e8f});
    ASSERT_GE(value, 0.999e3f);
    ASSERT_LE(value, 1.001e8f);
    below += value < 1e4f;
  }
  EXPECT_NEAR(below / 20000.0, 0.2, 0.015);
}

TEST(Random, WholeNumbersIncludeBothEnds) {
  Random random(3, 0);
  std::vector<int> seen(8, 0);
  for (int i = 0; i < 6000; ++i) ++seen.at(static_cast<std::size_t>(random.whole({2, 7})));
  for (int value = 2; value <= 7; ++value) EXPECT_NEAR(seen[static_cast<std::size_t>(value)], 1000, 150);
}

TEST(Random, NormalHasTheMomentsOfTheBellCurve) {
  Random random(4, 0);
  double fourth = 0;
  const Moments found = moments(100000, [&] {
    const double value = random.normal();
    fourth += value * value * value * value / 100000;
    return value;
  });
  EXPECT_NEAR(found.mean, 0, 0.015);
  EXPECT_NEAR(found.variance, 1, 0.02);
  EXPECT_NEAR(fourth, 3, 0.15);
}

TEST(Random, PoissonMeanAndVarianceEqualTheMean) {
  for (const float mean : {0.01f, 0.7f, 4.0f, 9.9f, 10.1f, 40.0f, 3000.0f, 1e6f}) {
    Random random(5, 0);
    const int count = 40000;
    const Moments found = moments(count, [&] { return random.poisson(mean); });
    const double m = mean;
    EXPECT_NEAR(found.mean, m, 5 * std::sqrt(m / count)) << mean;
    EXPECT_NEAR(found.variance / m, 1, 5 * std::sqrt((2 + 1 / m) / count)) << mean;
  }
}

// Pearson's statistic over the counts whose expectation is at least 20; its 0.1 % limit for 30 classes is 60.
TEST(Random, PoissonCountsFollowTheLawBelowAndAboveTheChangeOfMethod) {
  for (const double mean : {2.5, 9.0, 11.0, 33.0}) {
    Random random(6, 0);
    const int count = 50000;
    std::vector<int> seen(200, 0);
    for (int i = 0; i < count; ++i)
      ++seen.at(static_cast<std::size_t>(random.poisson(static_cast<float>(mean))));
    double statistic = 0;
    int classes = 0;
    double probability = std::exp(-mean);
    for (int k = 0; k < 100; probability *= mean / ++k) {
      const double expected = probability * count;
      if (expected < 20) continue;
      const double off = seen[static_cast<std::size_t>(k)] - expected;
      statistic += off * off / expected;
      ++classes;
    }
    EXPECT_GT(classes, 7);
    EXPECT_LT(statistic, classes + 4 * std::sqrt(2.0 * classes)) << mean;
  }
}

TEST(Random, PoissonOfNothingIsNothing) {
  Random random(7, 0);
  EXPECT_EQ(random.poisson(0), 0);
  EXPECT_EQ(random.poisson(-1), 0);
}

}  // namespace
}  // namespace flashphase::simulate
