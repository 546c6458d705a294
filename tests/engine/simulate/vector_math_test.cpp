#include "engine/simulate/vector_math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace flashphase::simulate {
namespace {

TEST(VectorMath, LogarithmAndPowerOfTwoAgreeWithTheLibrary) {
  for (float x = 1e-12f; x < 1e12f; x *= 1.013f) {
    const double exact = std::log2(static_cast<double>(x));
    EXPECT_NEAR(fast_log2(x), exact, 3e-7 * std::max(1.0, std::abs(exact))) << x;
  }
  for (float x = -125; x < 125; x += 0.137f) {
    const double exact = std::exp2(static_cast<double>(x));
    EXPECT_NEAR(fast_exp2(x) / exact, 1, 3e-7) << x;
  }
}

TEST(VectorMath, PowerOfTwoStaysFiniteAndPositiveBeyondItsRange) {
  EXPECT_GT(fast_exp2(-1000), 0);
  EXPECT_TRUE(std::isfinite(fast_exp2(1000)));
}

TEST(VectorMath, SineAndCosineAgreeWithTheLibraryInEveryQuadrant) {
  for (float x = -30; x < 30; x += 0.0137f) {
    float sine = 0, cosine = 0;
    fast_sincos(x, sine, cosine);
    EXPECT_NEAR(sine, std::sin(static_cast<double>(x)), 2e-6) << x;
    EXPECT_NEAR(cosine, std::cos(static_cast<double>(x)), 2e-6) << x;
  }
}

}  // namespace
}  // namespace flashphase::simulate
