#include "engine/refine/bounds.h"

#include <gmock/gmock.h>

#include <cmath>
#include <vector>

namespace flashphase::refine {
namespace {

using testing::Each;
using testing::FloatNear;
using testing::Gt;

struct Bounds {
  Bounds(const std::vector<float>& modulus, int m, double unit, const ModulusRule& rule)
      : low(modulus.size()), high(modulus.size()) {
    set_modulus_bounds(modulus, m, unit, rule, low, high);
  }
  std::vector<float> low, high;
};

TEST(ModulusBounds, AreTheMeasuredValueAndNoneElsewhereByDefault) {
  const Bounds bounds({3, -1, 0, 2}, 2, 1, {});
  EXPECT_EQ(bounds.low, (std::vector<float>{3, 0, 0, 2}));
  EXPECT_EQ(bounds.high[0], 3);
  EXPECT_THAT(bounds.high[1], Gt(1e17f));
  EXPECT_EQ(bounds.high[3], 2);
}

TEST(ModulusBounds, LeaveRoomForCountingNoise) {
  // 100 photons in units of 2: the interval is 100 -+ 0.675 * 2 * sqrt(101).
  const Bounds bounds({5, 0, 5, 5}, 2, 2, {.confidence = 2});
  const double margin = 0.675 * 2 * std::sqrt(101.0);
  EXPECT_NEAR(bounds.low[0], std::sqrt(100 - margin) / 2, 1e-5);
  EXPECT_NEAR(bounds.high[0], std::sqrt(100 + margin) / 2, 1e-5);
  EXPECT_EQ(bounds.low[1], 0);
  EXPECT_NEAR(bounds.high[1], std::sqrt(0.675 * 2) / 2, 1e-5);
}

TEST(ModulusBounds, LimitAHoleByWhatSurroundsIt) {
  std::vector<float> modulus(64, 4);
  for (const int i : {27, 28, 35, 36, 26, 0}) modulus[static_cast<std::size_t>(i)] = -1;
  const Bounds bounds(modulus, 8, 1, {.bound = 1.5f});
  for (const std::size_t i : {27u, 28u, 35u, 36u, 26u, 0u}) {
    EXPECT_EQ(bounds.low[i], 0);
    EXPECT_FLOAT_EQ(bounds.high[i], 6);
  }
  EXPECT_EQ(bounds.high[1], 4);
}

TEST(ModulusBounds, AreZeroWhereNothingAtAllIsMeasured) {
  const Bounds bounds(std::vector<float>(16, -1), 4, 1, {.bound = 1});
  EXPECT_THAT(bounds.high, Each(FloatNear(0, 0)));
}

}  // namespace
}  // namespace flashphase::refine
