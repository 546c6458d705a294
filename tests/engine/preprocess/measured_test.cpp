#include "engine/preprocess/preprocess.h"

#include <gmock/gmock.h>

#include "tests/engine/preprocess/frames.h"

namespace flashphase::preprocess {
namespace {

using testing::Each;
using testing::ElementsAre;

TEST(Preprocessor, TurnsNegativePhotonsToZeroAndCountsThemAsMeasured) {
  const auto pattern = Preprocessor({.pattern_size = 2}, nullptr)(frame_of({-3, 1, 2, -0.5f}, 2, 2));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->intensity, ElementsAre(0, 1, 2, 0));
  EXPECT_THAT(pattern->measured, Each(1));
}

TEST(Preprocessor, DoesNotMeasurePixelsThatAreNotFinite) {
  const auto pattern = Preprocessor({.pattern_size = 2}, nullptr)(frame_of({kNan, 1, kInf, -kInf}, 2, 2));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->intensity, ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(pattern->measured, ElementsAre(0, 1, 0, 0));
}

TEST(Preprocessor, DoesNotMeasureSaturatedPixels) {
  const Preprocessor preprocess({.pattern_size = 2, .limits = {.saturation = 100}}, nullptr);
  const auto pattern = preprocess(frame_of({99, 100, 101, 1}, 2, 2));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->measured, ElementsAre(1, 0, 0, 1));
  EXPECT_THAT(pattern->intensity, ElementsAre(99, 0, 0, 1));
}

TEST(Preprocessor, JudgesSaturationBeforeDarkAndGain) {
  auto known = calibration(2, 2);
  known->dark.assign(4, 50);
  known->gain.assign(4, 10);
  const Preprocessor preprocess({.pattern_size = 2, .limits = {.saturation = 100}}, known);
  const auto pattern = preprocess(frame_of({99, 100, 60, 40}, 2, 2));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->measured, ElementsAre(1, 0, 1, 1));
  EXPECT_THAT(pattern->intensity, ElementsAre(490, 0, 100, 0));
}

TEST(Preprocessor, DoesNotMeasureWhatDarkOrGainMakeInfinite) {
  auto known = calibration(2, 2);
  known->dark = {0, kNan, 0, 0};
  known->gain = {1, 1, 1e38f, 1};
  const auto pattern = Preprocessor({.pattern_size = 2}, known)(frame_of({1, 1, 1000, 2}, 2, 2));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->measured, ElementsAre(1, 0, 0, 1));
  EXPECT_THAT(pattern->intensity, ElementsAre(1, 0, 0, 2));
}

TEST(Preprocessor, DoesNotMeasureWhatMarksPixelsOfIntegers) {
  const Preprocessor preprocess({.pattern_size = 2}, nullptr);
  const auto measured = [&](const auto& values, PixelType type) {
    return preprocess(frame_of(values, 2, 2, type))->measured;
  };
  EXPECT_THAT(measured(std::vector<std::int32_t>{5, -1, -2, 2147483647}, PixelType::i32),
              ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(measured(std::vector<std::uint32_t>{5, 4294967295u, 4294967294u, 70000}, PixelType::u32),
              ElementsAre(1, 0, 0, 1));
  EXPECT_THAT(measured(std::vector<std::uint16_t>{5, 65535, 65534, 65533}, PixelType::u16),
              ElementsAre(1, 0, 0, 1));
  EXPECT_THAT(measured(std::vector<std::uint8_t>{5, 255, 254, 0}, PixelType::u8), ElementsAre(1, 0, 1, 1));
}

TEST(Preprocessor, TakesTheLimitsThatAreGivenForThoseOfTheType) {
  const auto measured = [](RawLimits limits, const auto& values, PixelType type) {
    return Preprocessor({.pattern_size = 2, .limits = limits}, nullptr)(frame_of(values, 2, 2, type))
        ->measured;
  };
  const std::vector<std::uint16_t> high{5, 65535, 65534, 1000};
  EXPECT_THAT(measured({.saturation = 0}, high, PixelType::u16), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(measured({.saturation = 1000}, high, PixelType::u16), ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(measured({.invalid_below = -1}, std::vector<std::int16_t>{5, -1, -2, 32767}, PixelType::i16),
              ElementsAre(1, 1, 0, 0));
  EXPECT_THAT(measured({.invalid_below = 0}, std::vector<float>{5, -1, -0.5f, 1}, PixelType::f32),
              ElementsAre(1, 0, 0, 1));
}

TEST(Preprocessor, TellsTheShareOfPixelsThatAreMarkedAndNotMasked) {
  const std::vector<std::uint16_t> values{1, 65535, 65535, 4};
  const Frame frame = frame_of(values, 2, 2, PixelType::u16);
  EXPECT_EQ(Preprocessor({.pattern_size = 2}, nullptr).share_of_marks(frame), 0.5);
  EXPECT_EQ(Preprocessor({.pattern_size = 2, .limits = {.saturation = 0}}, nullptr).share_of_marks(frame),
            0.5);
  auto known = calibration(2, 2);
  known->measured = {1, 0, 1, 1};
  EXPECT_DOUBLE_EQ(Preprocessor({.pattern_size = 2}, known).share_of_marks(frame), 1.0 / 3);
  EXPECT_EQ(Preprocessor({.pattern_size = 2}, nullptr).share_of_marks(frame_of(counting(4), 2, 2)), 0);
  EXPECT_EQ(Preprocessor({.pattern_size = 2}, known).share_of_marks(frame_of(counting(9), 3, 3)), 0)
      << "of another shape";
}

}  // namespace
}  // namespace flashphase::preprocess
