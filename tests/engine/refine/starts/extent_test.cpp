#include "engine/refine/starts/extent.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include "engine/score/metrics.h"

namespace flashphase::refine {
namespace {

using testing::Each;

constexpr int kN = 32, kM = 64;
using Object = std::vector<std::complex<float>>;

/// 1 where `inside(y, x)` about the middle, with strong phases.
template <class Inside>
Object object_of(Inside inside, int n = kN) {
  Object object;
  for (int y = -n / 2; y < n - n / 2; ++y)
    for (int x = -n / 2; x < n - n / 2; ++x) {
      const auto v = static_cast<float>(y), u = static_cast<float>(x);
      object.push_back(inside(v, u) ? std::polar(1.0f, 2 * std::sin(v / 3) + 2 * std::cos(u / 4))
                                    : std::complex<float>());
    }
  return object;
}

bool in_triangle(float v, float u) {
  return v > -6 && v < 14 && std::abs(u) < 0.5f * (14 - v);
}
bool in_ellipse(float v, float u) {
  return v * v / 100 + u * u / 36 <= 1;
}
bool in_a_pair(float v, float u) {
  return std::hypot(v - 7, u - 5) <= 3.2f || std::hypot(v + 7, u + 5) <= 3.2f;
}

std::vector<float> counted(const std::vector<float>& pattern, double photons) {
  double sum = 0;
  for (const float value : pattern) sum += static_cast<double>(value);
  std::mt19937 random(5);
  std::vector<float> counts;
  for (const float value : pattern)
    counts.push_back(static_cast<float>(
        std::poisson_distribution<int>(static_cast<double>(value) * photons / sum)(random)));
  return counts;
}

Extent extent(const std::vector<float>& pattern, int n = kN) {
  score::Autocorrelation autocorrelation(2 * n);
  return extent_of(pattern, n, autocorrelation);
}

/// Of the object's energy, outside the mask.
double lost(const Object& object, const std::vector<std::uint8_t>& mask) {
  double all = 0, outside = 0;
  for (std::size_t i = 0; i < object.size(); ++i) {
    all += static_cast<double>(std::norm(object[i]));
    if (!mask[i]) outside += static_cast<double>(std::norm(object[i]));
  }
  return outside / all;
}

TEST(Extent, HoldsObjectsOfEveryFormWithAndWithoutNoise) {
  for (const auto& object : {object_of(in_triangle), object_of(in_ellipse), object_of(in_a_pair)}) {
    const auto pattern = score::diffraction(object, kN, kM);
    for (const double photons : {0.0, 1e7, 1e6, 1e5}) {
      const auto mask = extent(photons > 0 ? counted(pattern, photons) : pattern).mask;
      EXPECT_LT(lost(object, placed_on(object, mask, kN)), 0.002) << photons;
      if (photons <= 0) continue;
      EXPECT_LT(std::ranges::count(mask, 1), kN * kN * 3 / 5) << photons;
    }
  }
}

TEST(Extent, TellsTheAreaOfAnEllipse) {
  const auto object = object_of(in_ellipse);
  const auto pattern = score::diffraction(object, kN, kM);
  const auto pixels =
      static_cast<float>(std::ranges::count_if(object, [](const auto value) { return std::abs(value) > 0; }));
  EXPECT_NEAR(extent(counted(pattern, 1e6)).area / pixels, 0.95, 0.1);
}

TEST(Extent, DoesNotDependOnTheUnitOfIntensity) {
  auto pattern = counted(score::diffraction(object_of(in_ellipse), kN, kM), 1e5);
  const auto mask = extent(pattern).mask;
  for (float& value : pattern) value *= 0x1p-20f;
  EXPECT_EQ(extent(pattern).mask, mask);
}

TEST(Extent, IsTheWholeSquareWherePatternsDoNotTell) {
  std::vector<float> pattern(kM * kM);
  EXPECT_THAT(extent(pattern).mask, Each(1));
  EXPECT_EQ(extent(pattern).area, kN * kN);
  pattern[kM * kM / 2 + kM / 2] = 1;
  EXPECT_THAT(extent(pattern).mask, Each(1));
}

TEST(Extent, OfOddSizes) {
  constexpr int kOdd = 15;
  const auto object = object_of([](float v, float u) { return std::hypot(v, u) < 4; }, kOdd);
  const auto pattern = counted(score::diffraction(object, kOdd, 2 * kOdd + 1), 1e6);
  score::Autocorrelation autocorrelation(2 * kOdd + 1);
  const auto mask = extent_of(pattern, kOdd, autocorrelation).mask;
  EXPECT_LT(lost(object, placed_on(object, mask, kOdd)), 0.001);
  EXPECT_LT(std::ranges::count(mask, 1), kOdd * kOdd * 3 / 5);
}

TEST(Filled, PutsTheAnswerWhereNothingIsMeasuredSoThatExtentsHoldBehindABeamStop) {
  const auto object = object_of(in_ellipse);
  auto pattern = counted(score::diffraction(object, kN, kM), 1e6);
  std::vector<std::uint8_t> measured(pattern.size(), 1);
  EXPECT_EQ(filled(pattern, measured, kM, object, kN), pattern);
  const auto whole = extent(pattern).mask;
  for (int y = -3; y <= 3; ++y)
    for (int x = -3; x <= 3; ++x) {
      const auto at = static_cast<std::size_t>((y + kM / 2) * kM + x + kM / 2);
      measured[at] = 0;
      pattern[at] = 0;
    }
  EXPECT_GT(lost(object, extent(pattern).mask), 0.02);
  Object answer = object;
  for (auto& value : answer) value *= 7.0f;  // in any scale
  const auto mended = filled(pattern, measured, kM, answer, kN);
  EXPECT_LT(lost(object, extent(mended).mask), 1e-4);
  EXPECT_NEAR(static_cast<double>(std::ranges::count(extent(mended).mask, 1)) /
                  static_cast<double>(std::ranges::count(whole, 1)),
              1, 0.15);
}

TEST(PlacedOn, MovesTheMaskToTheCentroidOfTheEnergy) {
  constexpr int kSmall = 8;
  Object object(kSmall * kSmall);
  object[1 * kSmall + 6] = 3.0f;
  object[1 * kSmall + 0] = 0.1f;  // weighs little
  std::vector<std::uint8_t> mask(object.size());
  mask[4 * kSmall + 4] = mask[4 * kSmall + 5] = mask[4 * kSmall + 6] = mask[3 * kSmall + 4] = 1;
  std::vector<std::uint8_t> expected(object.size());
  expected[1 * kSmall + 6] = expected[1 * kSmall + 7] = expected[0 * kSmall + 6] =
      1;  // one leaves the square
  EXPECT_EQ(placed_on(object, mask, kSmall), expected);
  EXPECT_EQ(placed_on(Object(object.size()), mask, kSmall), mask);
}

}  // namespace
}  // namespace flashphase::refine
