#include "engine/fft/plan.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace flashphase::fft {
namespace {

bool is_smooth(int n) {
  for (const int prime : {2, 3, 5, 7})
    while (n % prime == 0) n /= prime;
  return n == 1;
}

TEST(Recipe, HasTheRightLengthForEverySize) {
  for (int m = 1; m <= 1100; ++m) {
    const Recipe recipe = recipe_for(m);
    int length = 1;
    for (int i = 0; i < recipe.passes; ++i) length *= recipe.radices[i];
    if (recipe.convolution == 0) {
      EXPECT_EQ(length, m);
    } else {
      EXPECT_EQ(length, recipe.convolution) << m;
      EXPECT_GE(length, 2 * m - 1) << m;
      EXPECT_TRUE(is_smooth(length)) << m;
    }
  }
}

TEST(Recipe, ConvolvesOnlyWhereAPrimeIsLarge) {
  for (int m = 1; m <= 1100; ++m) {
    const Recipe recipe = recipe_for(m);
    if (!is_smooth(m)) continue;
    EXPECT_EQ(recipe.convolution, 0) << m;
    EXPECT_LE(*std::max_element(recipe.radices, recipe.radices + kMostPasses), kLargestButterfly) << m;
  }
  EXPECT_EQ(recipe_for(106).convolution, 0);
  EXPECT_GT(recipe_for(1021).convolution, 0);
}

TEST(PaddedStride, IsWholeVectorsAndNoLargePowerOfTwo) {
  for (int m = 1; m <= 4096; ++m) {
    const int stride = padded_stride(m);
    EXPECT_GE(stride, m);
    EXPECT_LE(stride, m + 31);
    EXPECT_EQ(stride % 16, 0);
    EXPECT_NE(stride % 128, 0);
  }
}

TEST(Plan, RunsTheSameRadicesEitherWay) {
  const Recipe recipe = recipe_for(360);
  const Plan forwards(recipe, Order::forwards), backwards(recipe, Order::backwards);
  ASSERT_EQ(forwards.count, backwards.count);
  for (int i = 0; i < forwards.count; ++i) {
    const Pass &one = forwards.passes[i], &other = backwards.passes[forwards.count - 1 - i];
    EXPECT_EQ(one.radix, other.radix);
    EXPECT_EQ(one.interleaved, other.groups);
    EXPECT_EQ(one.groups, other.interleaved);
    EXPECT_EQ(one.interleaved * one.groups * one.radix, 360);
  }
}

}  // namespace
}  // namespace flashphase::fft
