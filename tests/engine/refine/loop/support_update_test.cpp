#include "engine/refine/loop/support_update.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <random>

namespace flashphase::refine {
namespace {

using testing::Each;

constexpr int kN = 12;
constexpr int kStride = 20;

/// Corner [kN, kN] of planes with rows of kStride.
struct Planes {
  std::vector<float> re = std::vector<float>(kN * kStride), im = re, support = re;

  static std::size_t at(int y, int x) { return static_cast<std::size_t>(y * kStride + x); }
  bool inside(int y, int x) const { return support[at(y, x)] == 1; }
  int area() const { return static_cast<int>(std::count(support.begin(), support.end(), 1.0f)); }
  bool update(float sigma, float threshold) { return update(sigma, {.threshold = threshold, .grow = 0}); }
  bool update(float sigma, ShrinkWrap rule) {
    rule.sigma_start = rule.sigma_end = sigma;
    return update_at(0, rule);
  }
  bool update_at(float part, const ShrinkWrap& rule) {
    SupportUpdate update(kN);
    return update(re.data(), im.data(), kStride, part, rule, support.data());
  }
};

TEST(SupportUpdate, TakesTheAmplitudeAboveTheThresholdWithoutBlur) {
  Planes planes;
  planes.re[Planes::at(3, 4)] = 1;
  planes.im[Planes::at(3, 5)] = -0.5f;
  planes.re[Planes::at(9, 9)] = 0.05f;
  EXPECT_TRUE(planes.update(0, 0.1f));
  EXPECT_TRUE(planes.inside(3, 4));
  EXPECT_TRUE(planes.inside(3, 5));
  EXPECT_EQ(planes.area(), 2);
}

TEST(SupportUpdate, GrowsASinglePixelToTheWidthOfTheGaussian) {
  Planes planes;
  planes.re[Planes::at(6, 6)] = 3;
  planes.update(1.5f, 0.5f);
  for (int y = 0; y < kN; ++y) {
    for (int x = 0; x < kN; ++x) {
      const int square = (y - 6) * (y - 6) + (x - 6) * (x - 6);
      EXPECT_EQ(planes.inside(y, x), std::exp(-square / (2 * 1.5 * 1.5)) > 0.5) << y << ' ' << x;
    }
  }
}

TEST(SupportUpdate, EqualsAPlainTwoDimensionalBlur) {
  Planes planes;
  std::mt19937 random(3);
  for (int y = 0; y < kN; ++y) {
    for (int x = 0; x < kN; ++x)
      planes.re[Planes::at(y, x)] = std::pow(static_cast<float>(random() % 1000) / 1000, 4.0f);
  }
  const double sigma = 1.2, threshold = 0.6;
  planes.update(static_cast<float>(sigma), static_cast<float>(threshold));
  std::vector<double> blurred;
  for (int y = 0; y < kN; ++y) {
    for (int x = 0; x < kN; ++x) {
      double sum = 0;
      for (int v = 0; v < kN; ++v) {
        for (int u = 0; u < kN; ++u) {
          if (std::abs(v - y) > 4 || std::abs(u - x) > 4) continue;  // three sigma
          sum += planes.re[Planes::at(v, u)] *
                 std::exp(-((v - y) * (v - y) + (u - x) * (u - x)) / (2 * sigma * sigma));
        }
      }
      blurred.push_back(sum);
    }
  }
  const double largest = *std::max_element(blurred.begin(), blurred.end());
  int inside = 0;
  for (int i = 0; i < kN * kN; ++i) {
    const double ratio = blurred[static_cast<std::size_t>(i)] / largest;
    if (std::abs(ratio - threshold) < 1e-5) continue;
    EXPECT_EQ(planes.inside(i / kN, i % kN), ratio > threshold) << i;
    inside += ratio > threshold;
  }
  EXPECT_GT(inside, 10);
  EXPECT_LT(inside, 134);
}

TEST(SupportUpdate, StaysInsideTheSquare) {
  Planes planes;
  planes.re[Planes::at(0, kN - 1)] = 1;
  planes.re[Planes::at(0, kN)] = 1000;  // beyond the square
  planes.update(50, 0.1f);
  for (int y = 0; y < kN; ++y) {
    for (int x = kN; x < kStride; ++x) EXPECT_FALSE(planes.inside(y, x));
  }
  EXPECT_TRUE(planes.inside(0, kN - 1));
  EXPECT_EQ(planes.area(), kN * kN);
}

TEST(SupportUpdate, KeepsTheBrightestPixelsOfAnArea) {
  Planes planes;
  for (int i = 0; i < kN * kN; ++i)
    planes.re[Planes::at(i / kN, i % kN)] = static_cast<float>(i * 37 % (kN * kN) + 1);
  planes.update(0, {.area_start = 0.25f, .area_end = 0.25f, .grow = 0});
  EXPECT_EQ(planes.area(), kN * kN / 4);
  for (int i = 0; i < kN * kN; ++i) {
    EXPECT_EQ(planes.inside(i / kN, i % kN), i * 37 % (kN * kN) + 1 > kN * kN * 3 / 4) << i;
  }
  planes.update(0, {.area_start = 1, .area_end = 1, .grow = 0});
  EXPECT_EQ(planes.area(), kN * kN);
}

TEST(SupportUpdate, BlursAndKeepsAnAreaAsFarAsItsWayIsDone) {
  Planes planes;
  for (int i = 0; i < kN * kN; ++i)
    planes.re[Planes::at(i / kN, i % kN)] = static_cast<float>(i * 37 % (kN * kN) + 1);
  const ShrinkWrap rule{.sigma_start = 0, .sigma_end = 0, .area_start = 0.75f, .area_end = 0.25f, .grow = 0};
  for (const auto& [part, area] : {std::pair{0.0f, 108}, std::pair{0.5f, 72}, std::pair{1.0f, 36}}) {
    planes.update_at(part, rule);
    EXPECT_EQ(planes.area(), area);
  }
  Planes point, other;
  point.re[Planes::at(6, 6)] = other.re[Planes::at(6, 6)] = 1;
  point.update_at(0.5f, {.sigma_start = 3, .sigma_end = 1, .threshold = 0.5f, .grow = 0});
  other.update(2, 0.5f);
  EXPECT_EQ(point.support, other.support);
}

TEST(SupportUpdate, GrowsByTheFourNeighboursInsideTheSquare) {
  Planes planes;
  planes.re[Planes::at(5, 5)] = 1;
  planes.re[Planes::at(0, kN - 1)] = 1;
  planes.update(0, {.grow = 1});
  EXPECT_EQ(planes.area(), 5 + 3);
  for (const auto& [y, x] :
       {std::pair{4, 5}, std::pair{6, 5}, std::pair{5, 4}, std::pair{5, 6}, std::pair{1, kN - 1}}) {
    EXPECT_TRUE(planes.inside(y, x)) << y << ' ' << x;
  }
  planes.update(0, {.grow = 2});
  EXPECT_EQ(planes.area(), 13 + 6);
  for (int y = 0; y < kN; ++y) EXPECT_FALSE(planes.inside(y, kN));
}

TEST(SupportUpdate, SaysWhetherTheSupportChanged) {
  Planes planes;
  planes.re[Planes::at(6, 6)] = 3;
  EXPECT_TRUE(planes.update(1, 0.2f));
  EXPECT_FALSE(planes.update(1, 0.2f));
  EXPECT_TRUE(planes.update(1, 0.4f));
}

TEST(SupportUpdate, KeepsTheSupportWhenThereIsNoAmplitude) {
  Planes planes;
  planes.support.assign(planes.support.size(), 1);
  EXPECT_FALSE(planes.update(1, 0.2f));
  planes.re[Planes::at(2, 2)] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(planes.update(1, 0.2f));
  planes.re[Planes::at(2, 2)] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(planes.update(1, 0.2f));
  EXPECT_THAT(planes.support, Each(1));
}

}  // namespace
}  // namespace flashphase::refine
