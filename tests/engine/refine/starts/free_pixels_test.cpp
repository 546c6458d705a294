#include "engine/refine/starts/free_pixels.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace flashphase::refine {
namespace {

constexpr int kM = 64;

int count(const std::vector<std::uint8_t>& pixels) {
  return static_cast<int>(std::count(pixels.begin(), pixels.end(), 1));
}

TEST(FreePixels, AreTheFractionAskedForAndNeverUnmeasuredOnes) {
  std::vector<std::uint8_t> measured(kM * kM, 1);
  for (int i = 0; i < kM * 20; ++i) measured[static_cast<std::size_t>(i)] = 0;
  const int all = count(measured);
  for (const float fraction : {0.0f, 0.03f, 0.2f}) {
    const auto kept = without_free_pixels(measured, kM, fraction, 5);
    EXPECT_EQ(count(kept), all - static_cast<int>(fraction * static_cast<float>(all))) << fraction;
    for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_LE(kept[i], measured[i]);
  }
}

TEST(FreePixels, LieInIslandsAwayFromTheCentre) {
  const std::vector<std::uint8_t> measured(kM * kM, 1);
  const auto kept = without_free_pixels(measured, kM, 0.05f, 1);
  int with_free_neighbour = 0, free = 0;
  for (int y = 1; y < kM - 1; ++y) {
    for (int x = 1; x < kM - 1; ++x) {
      const auto at = [&](int v, int u) { return kept[static_cast<std::size_t>(v * kM + u)]; };
      if (at(y, x)) continue;
      ++free;
      with_free_neighbour += !at(y - 1, x) || !at(y + 1, x) || !at(y, x - 1) || !at(y, x + 1);
      EXPECT_GT((y - kM / 2) * (y - kM / 2) + (x - kM / 2) * (x - kM / 2), kM / 16 * kM / 16);
    }
  }
  EXPECT_GT(with_free_neighbour, free * 9 / 10);
}

TEST(FreePixels, AreTheSameForTheSameSeed) {
  const std::vector<std::uint8_t> measured(kM * kM, 1);
  EXPECT_EQ(without_free_pixels(measured, kM, 0.05f, 1), without_free_pixels(measured, kM, 0.05f, 1));
  EXPECT_NE(without_free_pixels(measured, kM, 0.05f, 1), without_free_pixels(measured, kM, 0.05f, 2));
}

TEST(FreePixels, EndWhereThereIsNoRoom) {
  EXPECT_EQ(without_free_pixels(std::vector<std::uint8_t>(4, 1), 2, 0.2f, 1),
            std::vector<std::uint8_t>(4, 1));
}

}  // namespace
}  // namespace flashphase::refine
