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
  frame.pixels = {.type = type, .height = height, .width = width, .data = *bytes, .storage = bytes};
  return frame;
}

Frame frame_of(const std::vector<float>& pixels, int height, int width) {
  return frame_of(pixels, height, width, PixelType::f32);
}

/// A hit finder with what it reads frames through. With a look for the centre of mass it says the same.
class Hits {
 public:
  explicit Hits(const Config& config = {}, Calibration calibration = {}, RawLimits limits = {})
      : find_(config), calibration_(std::move(calibration)), limits_(limits) {}

  Result<float> operator()(const Frame& frame) const {
    preprocess::PhotonReader alone(frame, calibration_, limits_);
    const Result<float> result = find_(alone);
    preprocess::PhotonReader pixels(frame, calibration_, limits_);
    if (pixels.open()) return result;
    preprocess::CentreOfMass centre(pixels);
    const Result<float> with_centre = find_(pixels, &centre);
    EXPECT_EQ(with_centre.has_value(), result.has_value());
    if (result && with_centre) {
      EXPECT_EQ(*with_centre, *result);
    }
    return result;
  }

 private:
  HitFinder find_;
  Calibration calibration_;
  RawLimits limits_;
};

TEST(HitFinder, CountsPixelsAboveTheThreshold) {
  const Hits hits({.pixel_threshold = 0.5f});
  const auto score = hits(frame_of({0, 0.5f, 0.6f, 1, 100, -3}, 2, 3));
  ASSERT_TRUE(score);
  EXPECT_EQ(*score, 3);
}

TEST(HitFinder, SkipsPixelsThatAreNotFinite) {
  const Hits hits;
  const auto score = hits(frame_of({kNan, kInf, -kInf, 7}, 2, 2));
  ASSERT_TRUE(score);
  EXPECT_EQ(*score, 1);
}

TEST(HitFinder, TakesNoSaturatedOrMarkedPixelForALitOne) {
  std::vector<std::uint16_t> pixels(1024, 0);
  std::fill_n(pixels.begin(), 300, std::uint16_t{65535});
  std::fill_n(pixels.begin() + 500, 5, std::uint16_t{1});
  for (const RawLimits limits : {RawLimits{.saturation = 65535}, RawLimits{}}) {
    const Hits hits({.minimum_lit_pixels = 250}, {}, limits);
    EXPECT_EQ(hits(frame_of(pixels, 32, 32, PixelType::u16)).error(), Rejection::not_a_hit);
  }
  EXPECT_EQ(*Hits({}, {}, {.saturation = 0})(frame_of(pixels, 32, 32, PixelType::u16)), 305);
}

TEST(HitFinder, RejectsAFrameWithFewerLitPixelsThanAskedFor) {
  const Hits hits({.pixel_threshold = 0.5f, .minimum_lit_pixels = 3});
  EXPECT_EQ(hits(frame_of({1, 1, 0, 0}, 2, 2)).error(), Rejection::not_a_hit);
  EXPECT_TRUE(hits(frame_of({1, 1, 1, 0}, 2, 2)));
}

TEST(HitFinder, RejectsAFrameWhosePixelsAreAllMasked) {
  const Calibration calibration{2, 2, {0, 0, 0, 0}, {}, {}};
  const Hits hits({.pixel_threshold = 0.5f, .minimum_lit_pixels = 1}, calibration);
  EXPECT_EQ(hits(frame_of({9, 9, 9, 9}, 2, 2)).error(), Rejection::not_a_hit);
}

TEST(HitFinder, KeepsADarkFrameWhenNoMinimumIsSet) {
  const Hits hits;
  const auto score = hits(frame_of({0, 0, 0, 0}, 2, 2));
  ASSERT_TRUE(score);
  EXPECT_EQ(*score, 0);
}

TEST(HitFinder, DoesNotCountMaskedPixelsEvenWithANegativeThreshold) {
  const Calibration calibration{1, 4, {1, 0, 0, 1}, {}, {}};
  const Hits hits({.pixel_threshold = -1}, calibration);
  EXPECT_EQ(*hits(frame_of({1, 1, 1, 1}, 1, 4)), 2);
}

TEST(HitFinder, AppliesDarkAndGainBeforeTheThreshold) {
  const Calibration calibration{1, 4, {1, 1, 1, 1}, {10, 10, 10, 10}, {0.1f, 0.1f, 1, 1}};
  const Hits hits({.pixel_threshold = 0.5f}, calibration);
  EXPECT_EQ(*hits(frame_of({12, 20, 10, 12}, 1, 4)), 2);  // 0.2, 1, 0, 2 photons
}

TEST(HitFinder, CountsEveryPixelOfAWideFrame) {
  const Hits hits;
  EXPECT_EQ(*hits(frame_of(std::vector<float>(3 * 1500, 1.0f), 3, 1500)), 4500);
}

TEST(HitFinder, ReadsIntegerPixels) {
  const Hits hits;
  EXPECT_EQ(*hits(frame_of<std::uint16_t>({0, 1, 65533, 0}, 2, 2, PixelType::u16)), 2);
  EXPECT_EQ(*hits(frame_of<std::int16_t>({0, -1, 5, -32768}, 2, 2, PixelType::i16)), 1);
}

TEST(HitFinder, RejectsAPayloadThatDoesNotFitItsShape) {
  const Hits hits;
  Frame frame = frame_of({1, 1, 1, 1}, 2, 2);
  frame.pixels.height = 3;
  EXPECT_EQ(hits(frame).error(), Rejection::bad_pixels);
  frame.pixels.height = 0;
  EXPECT_EQ(hits(frame).error(), Rejection::wrong_shape);
}

TEST(HitFinder, RejectsAShapeOtherThanTheCalibrations) {
  const Calibration calibration{1, 4, {1, 1, 1, 1}, {}, {}};
  const Hits hits({}, calibration);
  EXPECT_EQ(hits(frame_of({1, 1, 1, 1}, 2, 2)).error(), Rejection::wrong_shape);
}

TEST(HitFinder, RefusesAConfigThatMakesNoSense) {
  EXPECT_THROW(HitFinder({.pixel_threshold = kNan}), std::invalid_argument);
  EXPECT_THROW(HitFinder({.pixel_threshold = 0, .minimum_lit_pixels = -1}), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::select
