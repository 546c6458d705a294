#include "engine/select/hit_finder.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <vector>

namespace flashphase::select {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

template <class T>
Frame frame_of(const std::vector<T>& pixels, int height, int width, PixelType type) {
  auto bytes = std::make_shared<std::vector<std::byte>>(pixels.size() * sizeof(T));
  std::memcpy(bytes->data(), pixels.data(), bytes->size());
  Frame frame;
  frame.type = type;
  frame.height = height;
  frame.width = width;
  frame.pixels = *bytes;
  frame.storage = bytes;
  return frame;
}

Frame frame_of(const std::vector<float>& pixels, int height, int width) {
  return frame_of(pixels, height, width, PixelType::f32);
}

TEST(HitFinder, CountsPixelsAboveTheThreshold) {
  const HitFinder hits({.pixel_threshold = 0.5f}, nullptr);
  const auto score = hits(frame_of({0, 0.5f, 0.6f, 1, 100, -3}, 2, 3));
  ASSERT_TRUE(score);
  EXPECT_EQ(*score, 3);
}

TEST(HitFinder, SkipsPixelsThatAreNotFinite) {
  const HitFinder hits({}, nullptr);
  const auto score = hits(frame_of({kNan, kInf, -kInf, 7}, 2, 2));
  ASSERT_TRUE(score);
  EXPECT_EQ(*score, 1);
}

TEST(HitFinder, TakesNoSaturatedOrMarkedPixelForALitOne) {
  std::vector<std::uint16_t> pixels(1024, 0);
  std::fill_n(pixels.begin(), 300, std::uint16_t{65535});
  std::fill_n(pixels.begin() + 500, 5, std::uint16_t{1});
  for (const RawLimits limits : {RawLimits{.saturation = 65535}, RawLimits{}}) {
    const HitFinder hits({.minimum_lit_pixels = 250, .limits = limits}, nullptr);
    EXPECT_EQ(hits(frame_of(pixels, 32, 32, PixelType::u16)).error(), Rejection::not_a_hit);
  }
  EXPECT_EQ(*HitFinder({.limits = {.saturation = 0}}, nullptr)(frame_of(pixels, 32, 32, PixelType::u16)),
            305);
}

TEST(HitFinder, RejectsAFrameWithFewerLitPixelsThanAskedFor) {
  const HitFinder hits({.pixel_threshold = 0.5f, .minimum_lit_pixels = 3}, nullptr);
  EXPECT_EQ(hits(frame_of({1, 1, 0, 0}, 2, 2)).error(), Rejection::not_a_hit);
  EXPECT_TRUE(hits(frame_of({1, 1, 1, 0}, 2, 2)));
}

TEST(HitFinder, RejectsAFrameWhosePixelsAreAllMasked) {
  auto calibration =
      std::make_shared<preprocess::Calibration>(preprocess::Calibration{2, 2, {0, 0, 0, 0}, {}, {}});
  const HitFinder hits({.pixel_threshold = 0.5f, .minimum_lit_pixels = 1}, calibration);
  EXPECT_EQ(hits(frame_of({9, 9, 9, 9}, 2, 2)).error(), Rejection::not_a_hit);
}

TEST(HitFinder, KeepsADarkFrameWhenNoMinimumIsSet) {
  const HitFinder hits({}, nullptr);
  const auto score = hits(frame_of({0, 0, 0, 0}, 2, 2));
  ASSERT_TRUE(score);
  EXPECT_EQ(*score, 0);
}

TEST(HitFinder, DoesNotCountMaskedPixelsEvenWithANegativeThreshold) {
  auto calibration =
      std::make_shared<preprocess::Calibration>(preprocess::Calibration{1, 4, {1, 0, 0, 1}, {}, {}});
  const HitFinder hits({.pixel_threshold = -1}, calibration);
  EXPECT_EQ(*hits(frame_of({1, 1, 1, 1}, 1, 4)), 2);
}

TEST(HitFinder, AppliesDarkAndGainBeforeTheThreshold) {
  auto calibration = std::make_shared<preprocess::Calibration>(
      preprocess::Calibration{1, 4, {1, 1, 1, 1}, {10, 10, 10, 10}, {0.1f, 0.1f, 1, 1}});
  const HitFinder hits({.pixel_threshold = 0.5f}, calibration);
  EXPECT_EQ(*hits(frame_of({12, 20, 10, 12}, 1, 4)), 2);  // 0.2, 1, 0, 2 photons
}

TEST(HitFinder, CountsEveryPixelOfAWideFrame) {
  const HitFinder hits({}, nullptr);
  EXPECT_EQ(*hits(frame_of(std::vector<float>(3 * 1500, 1.0f), 3, 1500)), 4500);
}

TEST(HitFinder, ReadsIntegerPixels) {
  const HitFinder hits({}, nullptr);
  EXPECT_EQ(*hits(frame_of<std::uint16_t>({0, 1, 65533, 0}, 2, 2, PixelType::u16)), 2);
  EXPECT_EQ(*hits(frame_of<std::int16_t>({0, -1, 5, -32768}, 2, 2, PixelType::i16)), 1);
}

TEST(HitFinder, RejectsAPayloadThatDoesNotFitItsShape) {
  const HitFinder hits({}, nullptr);
  Frame frame = frame_of({1, 1, 1, 1}, 2, 2);
  frame.height = 3;
  EXPECT_EQ(hits(frame).error(), Rejection::bad_pixels);
  frame.height = 0;
  EXPECT_EQ(hits(frame).error(), Rejection::wrong_shape);
}

TEST(HitFinder, RejectsAShapeOtherThanTheCalibrations) {
  auto calibration =
      std::make_shared<preprocess::Calibration>(preprocess::Calibration{1, 4, {1, 1, 1, 1}, {}, {}});
  const HitFinder hits({}, calibration);
  EXPECT_EQ(hits(frame_of({1, 1, 1, 1}, 2, 2)).error(), Rejection::wrong_shape);
}

TEST(HitFinder, RefusesAConfigThatMakesNoSense) {
  EXPECT_THROW(HitFinder({.pixel_threshold = kNan}, nullptr), std::invalid_argument);
  EXPECT_THROW(HitFinder({.pixel_threshold = 0, .minimum_lit_pixels = -1}, nullptr), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::select
