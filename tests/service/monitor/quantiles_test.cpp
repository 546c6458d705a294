#include "service/monitor/quantiles.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace flashphase::service {
namespace {

const Clock::time_point kStart{std::chrono::hours(1)};
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Quantiles, AreZeroWhileThereAreNone) {
  const auto summary = Quantiles().summary();
  EXPECT_EQ(summary.count, 0u);
  EXPECT_EQ(summary.p99, 0);
}

TEST(Quantiles, LieWithinThreePercentOfTheTruth) {
  Quantiles quantiles;
  for (int i = 1; i <= 10000; ++i) quantiles.add(i * 1e-5, kStart);
  const auto summary = quantiles.summary();
  EXPECT_NEAR(summary.p50, 0.050, 0.050 * 0.03);
  EXPECT_NEAR(summary.p90, 0.090, 0.090 * 0.03);
  EXPECT_NEAR(summary.p99, 0.099, 0.099 * 0.03);
  EXPECT_DOUBLE_EQ(summary.max, 0.1);
}

TEST(Quantiles, NeverExceedTheMaximum) {
  Quantiles quantiles;
  quantiles.add(1.0, kStart);
  EXPECT_DOUBLE_EQ(quantiles.summary().p50, 1.0);
}

TEST(Quantiles, TakeZeroNegativeHugeAndUndefinedValuesWithoutHarm) {
  Quantiles quantiles;
  for (const double value : {0.0, -1.0, 1e30, std::numeric_limits<double>::quiet_NaN()})
    quantiles.add(value, kStart);
  EXPECT_EQ(quantiles.summary().count, 4u);
}

TEST(Quantiles, ForgetWhatIsOlderThanTwoWindows) {
  Quantiles quantiles(seconds(10));
  quantiles.add(100, kStart);
  quantiles.add(1, kStart + seconds(10));
  EXPECT_EQ(quantiles.summary().count, 2u);
  quantiles.add(1, kStart + seconds(20));
  EXPECT_EQ(quantiles.summary().count, 2u);
  EXPECT_DOUBLE_EQ(quantiles.summary().max, 1);
}

TEST(Rate, CountsTheLastTwoCompleteSeconds) {
  Rate rate;
  for (int i = 0; i < 300; ++i) rate.add(1, kStart + milliseconds(10 * i));
  EXPECT_DOUBLE_EQ(rate.per_second(kStart + seconds(3)), 100.0);
}

TEST(Rate, FallsToZeroWhenNothingComes) {
  Rate rate;
  rate.add(1000, kStart);
  EXPECT_DOUBLE_EQ(rate.per_second(kStart + seconds(1)), 500.0);
  EXPECT_DOUBLE_EQ(rate.per_second(kStart + seconds(3)), 0.0);
}

}  // namespace
}  // namespace flashphase::service
