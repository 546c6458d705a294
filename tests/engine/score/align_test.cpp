#include "engine/score/align.h"

#include <gmock/gmock.h>

#include <utility>

#include "tests/engine/score/objects.h"

namespace flashphase::score {
namespace {

void expect_same(const Object& a, const Object& b, double tolerance = 1e-5) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(std::abs(a[i] - b[i]), 0, tolerance) << i;
}

TEST(Align, LeavesAnObjectOnItself) {
  const Object truth = patch(16, 6, 4, 5, 1);
  for (const Translation translation : {Translation::whole_pixel, Translation::sub_pixel}) {
    const Alignment result = align(truth, truth, 16, translation);
    EXPECT_NEAR(result.real_space_error, 0, 1e-6);
    EXPECT_FALSE(result.twin);
    EXPECT_EQ(result.shift_y, 0);
    EXPECT_EQ(result.shift_x, 0);
    EXPECT_NEAR(std::abs(result.factor - 1.0), 0, 1e-6);
    expect_same(result.aligned, truth);
  }
}

TEST(Align, RemovesTranslationPhaseAndScale) {
  const Object truth = patch(16, 6, 4, 5, 1);
  Object object = patch(16, 6, 2, 10, 1);
  for (auto& value : object) value *= std::polar(37.0f, 2.0f);
  const Alignment result = align(object, truth, 16);
  EXPECT_NEAR(result.real_space_error, 0, 1e-10);
  EXPECT_EQ(result.shift_y, 2);
  EXPECT_EQ(result.shift_x, -5);
  EXPECT_NEAR(std::abs(result.factor - std::polar(1 / 37.0, -2.0)), 0, 1e-6);
  expect_same(result.aligned, truth);
}

TEST(Align, BridgesAnyRatioOfScales) {
  Object truth = patch(16, 6, 4, 5, 1), object = patch(16, 6, 2, 10, 1);
  for (auto& value : object) value *= 1e-25f;
  for (auto& value : truth) value *= 1e15f;
  for (const Translation translation : {Translation::whole_pixel, Translation::sub_pixel}) {
    const Alignment result = align(object, truth, 16, translation);
    EXPECT_NEAR(result.real_space_error, 0, 1e-6);
    expect_same(result.aligned, truth, 1e10);
  }
}

TEST(Align, RecognisesTheTwinWithoutAShift) {
  for (const int n : {16, 15}) {
    const Object truth = patch(n, 6, 4, 5, 1);
    const Alignment result = align(twin_of(truth, n), truth, n);
    EXPECT_TRUE(result.twin);
    EXPECT_EQ(result.shift_y, 0);
    EXPECT_EQ(result.shift_x, 0);
    EXPECT_NEAR(result.real_space_error, 0, 1e-10);
    expect_same(result.aligned, truth);
  }
}

TEST(Align, RecognisesAMovedTwin) {
  const Object truth = patch(16, 6, 4, 5, 1);
  Object object = twin_of(patch(16, 6, 7, 3, 1), 16);
  for (auto& value : object) value *= std::polar(0.01f, -1.0f);
  const Alignment result = align(object, truth, 16);
  EXPECT_TRUE(result.twin);
  EXPECT_EQ(result.shift_y, -3);
  EXPECT_EQ(result.shift_x, 2);
  EXPECT_NEAR(result.real_space_error, 0, 1e-10);
  expect_same(result.aligned, truth);
}

TEST(Align, RemovesAShiftOfAPartOfAPixelWhenAsked) {
  const int n = 64;
  const Object truth = blob(n, 32, 32);
  for (const auto& [y, x] :
       {std::pair{0.37, -0.61}, std::pair{2.5, 1.25}, std::pair{-3.0, 0.0}, std::pair{17.83, -18.44}}) {
    for (const bool twin : {false, true}) {
      Object object = blob(n, 32 + y, 32 + x);
      if (twin) object = twin_of(object, n);
      const Alignment result = align(object, truth, n, Translation::sub_pixel);
      EXPECT_EQ(result.twin, twin);
      EXPECT_NEAR(result.shift_y, -y, 0.011);
      EXPECT_NEAR(result.shift_x, -x, 0.011);
      EXPECT_LT(result.real_space_error, 1e-5);
      expect_same(result.aligned, truth, 0.02);
      const float whole = align(object, truth, n).real_space_error;
      EXPECT_EQ(whole > 0.01f, y != -3.0);
    }
  }
}

TEST(Align, JudgesByTheRefinedPeakWhereObjectAndTwinAreClose) {
  // The object lies half a pixel off and its twin, which is nearly the same, a whole one.
  const int n = 32;
  const Object truth = blob(n, 16.25, 16.25, 0.1), object = blob(n, 16.75, 16.75, 0.1);
  EXPECT_TRUE(align(object, truth, n).twin);
  const Alignment result = align(object, truth, n, Translation::sub_pixel);
  EXPECT_FALSE(result.twin);
  EXPECT_NEAR(result.shift_y, -0.5, 0.011);
  EXPECT_NEAR(result.shift_x, -0.5, 0.011);
  EXPECT_LT(result.real_space_error, 1e-5);
}

TEST(Align, TakesASymmetricObjectForItself) {
  Object truth(64);
  for (const std::size_t i : {27u, 28u, 35u, 36u}) truth[i] = 1;
  for (const Translation translation : {Translation::whole_pixel, Translation::sub_pixel})
    EXPECT_FALSE(align(truth, truth, 8, translation).twin);
}

TEST(Align, FindsAPatchThatWouldOverlapOnlyAcrossTheEdge) {
  const Object truth = patch(16, 5, 11, 11, 3), object = patch(16, 5, 0, 0, 3);
  const Alignment result = align(object, truth, 16);
  EXPECT_EQ(result.shift_y, 11);
  EXPECT_EQ(result.shift_x, 11);
  EXPECT_NEAR(result.real_space_error, 0, 1e-10);
}

TEST(Align, FindsATwinThatOverlapsInTheFirstRowOnly) {
  // The twin of row 0 of an even square lies in row n, one beyond.
  const int n = 8;
  Object object(64), truth(64);
  object[5] = {1, 0.5f};
  object[6] = {0.1f, -0.3f};
  truth[3] = std::conj(object[5]);
  truth[2] = std::conj(object[6]);
  const Alignment result = align(object, truth, n);
  EXPECT_TRUE(result.twin);
  EXPECT_EQ(result.shift_y, -n);
  EXPECT_EQ(result.shift_x, 0);
  EXPECT_NEAR(result.real_space_error, 0, 1e-6);
  expect_same(result.aligned, truth);
}

TEST(Align, LeavesAZeroObjectOrReferenceAsItIs) {
  const Object truth = patch(8, 4, 2, 2, 1), zero(64);
  for (const auto& [object, reference] :
       {std::pair{zero, truth}, std::pair{truth, zero}, std::pair{zero, zero}}) {
    const Alignment result = align(object, reference, 8);
    EXPECT_EQ(result.real_space_error, 1);
    EXPECT_EQ(result.factor, 1.0);
    EXPECT_EQ(result.aligned, object);
  }
}

}  // namespace
}  // namespace flashphase::score
