#include "engine/preprocess/preprocess.h"

#include <gmock/gmock.h>

#include <numeric>
#include <stdexcept>

#include "tests/engine/preprocess/frames.h"

namespace flashphase::preprocess {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Preprocessor, PassesAFrameOfTheRightShapeThrough) {
  const Preprocessor preprocess({.pattern_size = 4}, nullptr);
  const auto pattern = preprocess(frame_of(counting(16), 4, 4));
  ASSERT_TRUE(pattern);
  EXPECT_EQ(pattern->size, 4);
  EXPECT_THAT(pattern->intensity, ElementsAreArray(counting(16)));
  EXPECT_THAT(pattern->measured, Each(1));
}

TEST(Preprocessor, KeepsTheFramesIdentity) {
  const Frame frame = frame_of(counting(16), 4, 4);
  const auto pattern = Preprocessor({.pattern_size = 4}, nullptr)(frame);
  ASSERT_TRUE(pattern);
  EXPECT_EQ(pattern->id, frame.id);
  EXPECT_EQ(pattern->arrival, frame.arrival);
  EXPECT_EQ(pattern->timestamp_ns, 99u);
}

template <class T>
void expect_read(PixelType type) {
  const std::vector<T> pixels{1, 2, 3, 100};
  const auto pattern = Preprocessor({.pattern_size = 2}, nullptr)(frame_of<T>(pixels, 2, 2, type));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->intensity, ElementsAre(1, 2, 3, 100));
}

TEST(Preprocessor, ReadsEveryPixelType) {
  expect_read<std::uint8_t>(PixelType::u8);
  expect_read<std::uint16_t>(PixelType::u16);
  expect_read<std::uint32_t>(PixelType::u32);
  expect_read<std::int16_t>(PixelType::i16);
  expect_read<std::int32_t>(PixelType::i32);
  expect_read<float>(PixelType::f32);
  expect_read<double>(PixelType::f64);
}

TEST(Preprocessor, ReadsTheLargestValuesOfEachType) {
  const Preprocessor preprocess({.pattern_size = 2, .limits = {.saturation = 0}}, nullptr);
  EXPECT_EQ(preprocess(frame_of<std::uint32_t>({4294967295u, 0, 0, 0}, 2, 2, PixelType::u32))->intensity[0],
            4294967296.0f);
  EXPECT_EQ(preprocess(frame_of<std::uint16_t>({65535, 0, 0, 0}, 2, 2, PixelType::u16))->intensity[0],
            65535.0f);
  const auto huge = preprocess(frame_of<double>({1e300, 1, 0, 0}, 2, 2, PixelType::f64));
  EXPECT_THAT(huge->measured, ElementsAre(0, 1, 1, 1));
  EXPECT_EQ(huge->intensity[0], 0);
}

TEST(Preprocessor, RejectsAnUnknownPixelType) {
  Frame frame = frame_of(counting(4), 2, 2);
  frame.pixels.type = static_cast<PixelType>(42);
  EXPECT_EQ(Preprocessor({.pattern_size = 2}, nullptr)(frame).error(), Rejection::unsupported_dtype);
}

TEST(Preprocessor, RejectsAPayloadThatDoesNotFitItsShape) {
  const Preprocessor preprocess({.pattern_size = 2}, nullptr);
  Frame frame = frame_of(counting(4), 2, 2);
  const auto all = frame.pixels.data;
  frame.pixels.data = all.first(15);
  EXPECT_EQ(preprocess(frame).error(), Rejection::bad_pixels);
  frame.pixels.data = all.first(12);
  EXPECT_EQ(preprocess(frame).error(), Rejection::bad_pixels);
  frame.pixels.data = {};
  EXPECT_EQ(preprocess(frame).error(), Rejection::bad_pixels);
}

TEST(Preprocessor, RejectsShapesThatAreNotExpected) {
  const Preprocessor preprocess({.pattern_size = 2, .expected_rows = 2, .expected_columns = 3}, nullptr);
  EXPECT_TRUE(preprocess(frame_of(counting(6), 2, 3)));
  EXPECT_EQ(preprocess(frame_of(counting(6), 3, 2)).error(), Rejection::wrong_shape);
  Frame frame = frame_of(counting(4), 2, 2);
  frame.pixels.height = -2;
  EXPECT_EQ(Preprocessor({.pattern_size = 2}, nullptr)(frame).error(), Rejection::wrong_shape);
}

TEST(Preprocessor, RejectsAShapeOtherThanTheCalibrations) {
  const Preprocessor preprocess({.pattern_size = 2}, calibration(2, 2));
  EXPECT_EQ(preprocess(frame_of(counting(6), 2, 3)).error(), Rejection::wrong_shape);
}

TEST(Preprocessor, TakesAFrameOfOnePixel) {
  const auto pattern = Preprocessor({.pattern_size = 4}, nullptr)(frame_of({5}, 1, 1));
  ASSERT_TRUE(pattern);
  EXPECT_EQ(pattern->measured[2 * 4 + 2], 1);
  EXPECT_EQ(pattern->intensity[2 * 4 + 2], 5);
  EXPECT_EQ(std::accumulate(pattern->measured.begin(), pattern->measured.end(), 0), 1);
}

TEST(Preprocessor, RejectsAFrameWithoutAnyMeasuredPixel) {
  const Preprocessor preprocess({.pattern_size = 2}, nullptr);
  EXPECT_EQ(preprocess(frame_of({kNan, kInf, -kInf, kNan}, 2, 2)).error(), Rejection::nothing_measured);
  auto masked = calibration(2, 2);
  masked->measured.assign(4, 0);
  EXPECT_EQ(Preprocessor({.pattern_size = 2}, masked)(frame_of(counting(4), 2, 2)).error(),
            Rejection::nothing_measured);
  const Preprocessor limited({.pattern_size = 2, .limits = {.saturation = 1}}, nullptr);
  EXPECT_EQ(limited(frame_of(counting(4), 2, 2)).error(), Rejection::nothing_measured);
  const Preprocessor elsewhere({.pattern_size = 2, .centre_y = 1000, .centre_x = 1000}, nullptr);
  EXPECT_EQ(elsewhere(frame_of(counting(4), 2, 2)).error(), Rejection::nothing_measured);
  const Preprocessor right({.pattern_size = 2, .bin = 2, .centre_y = 1, .centre_x = 1000}, nullptr);
  EXPECT_EQ(right(frame_of(counting(4), 2, 2)).error(), Rejection::nothing_measured);
}

TEST(Preprocessor, RejectsAFrameWithoutSignal) {
  for (const Centring centring : {Centring::fixed, Centring::centre_of_mass}) {
    const Preprocessor preprocess({.pattern_size = 2, .centring = centring}, nullptr);
    EXPECT_EQ(preprocess(frame_of({0, 0, 0, 0}, 2, 2)).error(), Rejection::no_signal);
    EXPECT_EQ(preprocess(frame_of({-1, -5, 0, kNan}, 2, 2)).error(), Rejection::no_signal);
  }
}

TEST(Preprocessor, RejectsSumsThatSinglePrecisionCannotWorkWith) {
  const Preprocessor preprocess({.pattern_size = 2}, nullptr);
  EXPECT_EQ(preprocess(frame_of({1e-45f, 0, 0, 0}, 2, 2)).error(), Rejection::no_signal);
  EXPECT_EQ(preprocess(frame_of({3e38f, 3e38f, 0, 0}, 2, 2)).error(), Rejection::not_finite);
  EXPECT_EQ(preprocess(frame_of({1e31f, 0, 0, 0}, 2, 2)).error(), Rejection::not_finite);
}

TEST(Preprocessor, RefusesAConfigThatMakesNoSenseAndNamesTheKey) {
  const auto refuses = [](const Config& config, const char* key) {
    EXPECT_THAT([&] { Preprocessor(config, nullptr); }, ThrowsMessage<std::invalid_argument>(HasSubstr(key)))
        << key;
  };
  refuses({.pattern_size = 1}, "preprocess.pattern_size");
  refuses({.pattern_size = 64, .bin = 0}, "preprocess.bin");
  refuses({.pattern_size = 64, .bin = 1 << 20}, "preprocess.bin");
  refuses({.limits = {.saturation = -1}}, "preprocess.saturation");
  refuses({.limits = {.saturation = kNan}}, "preprocess.saturation");
  refuses({.expected_rows = -1}, "preprocess.expected_rows");
  refuses({.centre_y = kNan}, "preprocess.centre_y");
  refuses({.centre_x = 64, .expected_rows = 64, .expected_columns = 64}, "preprocess.centre_x");
  EXPECT_THROW(Preprocessor({.expected_rows = 4}, calibration(2, 2)), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::preprocess
