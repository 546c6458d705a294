#include "engine/score/resolution.h"

#include <gmock/gmock.h>

#include <cmath>
#include <stdexcept>

#include "tests/engine/score/plain_reference.h"

namespace flashphase::score {
namespace {

using testing::Each;
using testing::FloatNear;

TEST(FourierRingCorrelation, IsOneForImagesThatDifferByScaleAndPhase) {
  const auto first = plain::random_object(16, 1);
  auto second = first;
  for (auto& value : second) value *= std::polar(3.0f, 1.0f);
  const auto correlation = fourier_ring_correlation(first, second, 16);
  EXPECT_EQ(correlation.size(), 9u);
  EXPECT_THAT(correlation, Each(FloatNear(1, 1e-5f)));
}

TEST(FourierRingCorrelation, IsTheDefinedRatioRingByRing) {
  const int n = 12;
  const auto first = plain::random_object(n, 1), second = plain::random_object(n, 2);
  const auto f1 = plain::centred_transform(plain::embedded(first, n, n), n);
  const auto f2 = plain::centred_transform(plain::embedded(second, n, n), n);
  const auto correlation = fourier_ring_correlation(first, second, n);
  for (int ring = 0; ring <= n / 2; ++ring) {
    plain::Complex cross = 0;
    double e1 = 0, e2 = 0;
    for (int y = 0; y < n; ++y) {
      for (int x = 0; x < n; ++x) {
        if (std::lround(std::hypot(y - n / 2, x - n / 2)) != ring) continue;
        const auto i = static_cast<std::size_t>(y * n + x);
        cross += f1[i] * std::conj(f2[i]);
        e1 += std::norm(f1[i]);
        e2 += std::norm(f2[i]);
      }
    }
    EXPECT_NEAR(correlation[static_cast<std::size_t>(ring)], std::abs(cross) / std::sqrt(e1 * e2), 1e-5)
        << ring;
  }
}

TEST(FourierRingCorrelation, IsZeroWithoutSignal) {
  EXPECT_THAT(fourier_ring_correlation(plain::random_object(8, 1), std::vector<std::complex<float>>(64), 8),
              Each(0));
}

TEST(HalfBitThreshold, FallsWithThePixelsOfTheRing) {
  const auto threshold = half_bit_threshold(64);
  ASSERT_EQ(threshold.size(), 33u);
  EXPECT_FLOAT_EQ(threshold[0], 1);
  // 8 pixels lie at a distance that rounds to 1.
  EXPECT_NEAR(threshold[1], (0.2071 + 1.9102 / std::sqrt(8)) / (1.2071 + 0.9102 / std::sqrt(8)), 1e-4);
  EXPECT_GT(threshold[2], threshold[32]);
  EXPECT_GT(threshold[32], 0.2071 / 1.2071);
}

TEST(Resolution, IsWhereTheLinesBetweenRingsMeet) {
  const std::vector<float> threshold(5, 0.5f);
  const auto result = resolution(std::vector<float>{1, 0.9f, 0.7f, 0.1f, 0.9f}, threshold, 8);
  EXPECT_TRUE(result.crossed);
  EXPECT_NEAR(result.ring, 2 + 0.2 / 0.6, 1e-6);
  EXPECT_NEAR(result.pixels, 8 / result.ring, 1e-6);
}

TEST(Resolution, EndsAtTheLastRingWhenTheCurveStaysAbove) {
  const auto result = resolution(std::vector<float>{1, 0.9f, 0.5f}, std::vector<float>(3, 0.5f), 5);
  EXPECT_FALSE(result.crossed);
  EXPECT_EQ(result.ring, 2);
  EXPECT_EQ(result.pixels, 2.5f);
}

TEST(Resolution, IsTheWholeSquareWhenTheCurveStartsBelow) {
  const auto result = resolution(std::vector<float>(4), std::vector<float>(4, 0.5f), 6);
  EXPECT_TRUE(result.crossed);
  EXPECT_EQ(result.ring, 0);
  EXPECT_EQ(result.pixels, 6);
}

TEST(Resolution, RefusesCurvesOfAnotherSize) {
  EXPECT_THROW(resolution(std::vector<float>(4), std::vector<float>(5), 8), std::invalid_argument);
  EXPECT_THROW(resolution(std::vector<float>(4), std::vector<float>(4), 8), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::score
