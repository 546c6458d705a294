#include "engine/preprocess/preprocess.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace flashphase::preprocess {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

/// Pixels start one byte off, as they may in a received message.
template <class T>
Frame frame_of(const std::vector<T>& pixels, int height, int width, PixelType type) {
  auto bytes = std::make_shared<std::vector<std::byte>>(pixels.size() * sizeof(T) + 1);
  std::memcpy(bytes->data() + 1, pixels.data(), pixels.size() * sizeof(T));
  Frame frame;
  frame.id = {1, 2, 3, 4, "camera"};
  frame.timestamp_ns = 99;
  frame.pixels = {.type = type,
                  .height = height,
                  .width = width,
                  .data = std::span<const std::byte>(*bytes).subspan(1),
                  .storage = bytes};
  return frame;
}

Frame frame_of(const std::vector<float>& pixels, int height, int width) {
  return frame_of(pixels, height, width, PixelType::f32);
}

/// 1, 2, 3, ...
std::vector<float> counting(int count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

std::shared_ptr<Calibration> calibration(int height, int width) {
  const auto cells = static_cast<std::size_t>(height * width);
  return std::make_shared<Calibration>(
      Calibration{height, width, std::vector<std::uint8_t>(cells, 1), {}, {}});
}

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

TEST(Preprocessor, CropsAboutTheMiddleByDefault) {
  const auto pattern = Preprocessor({.pattern_size = 2}, nullptr)(frame_of(counting(36), 6, 6));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->intensity, ElementsAre(15, 16, 21, 22));  // [1, 1] is detector pixel [3, 3]
}

TEST(Preprocessor, CropsAboutAGivenCentre) {
  const Preprocessor preprocess({.pattern_size = 2, .centre_y = 4, .centre_x = 2}, nullptr);
  const auto pattern = preprocess(frame_of(counting(36), 6, 6));
  ASSERT_TRUE(pattern);
  EXPECT_EQ(pattern->intensity[3], 4 * 6 + 2 + 1);
}

TEST(Preprocessor, RoundsAFractionalCentreToTheNearestPixel) {
  const auto peak = [](float centre) {
    const Preprocessor preprocess({.pattern_size = 2, .centre_y = centre, .centre_x = 3}, nullptr);
    return preprocess(frame_of(counting(36), 6, 6))->intensity[3];
  };
  EXPECT_EQ(peak(3.4f), 3 * 6 + 3 + 1);
  EXPECT_EQ(peak(3.6f), 4 * 6 + 3 + 1);
}

TEST(Preprocessor, DoesNotMeasureBeyondTheDetectorsEdge) {
  const Preprocessor preprocess({.pattern_size = 4, .centre_y = 0, .centre_x = 3}, nullptr);
  const auto pattern = preprocess(frame_of(counting(16), 4, 4));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->measured, ElementsAre(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0));
  EXPECT_THAT(pattern->intensity, ElementsAre(0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 4, 0, 6, 7, 8, 0));
}

TEST(Preprocessor, TakesAFrameThatIsNotSquare) {
  const auto pattern = Preprocessor({.pattern_size = 4}, nullptr)(frame_of(counting(16), 2, 8));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->intensity, ElementsAre(0, 0, 0, 0, 3, 4, 5, 6, 11, 12, 13, 14, 0, 0, 0, 0));
}

TEST(Preprocessor, CentresOnTheCentreOfMass) {
  std::vector<float> pixels(100, 0.0f);
  pixels[7 * 10 + 2] = 50;
  pixels[7 * 10 + 4] = 50;
  const Preprocessor preprocess({.pattern_size = 4, .centring = Centring::centre_of_mass}, nullptr);
  const auto pattern = preprocess(frame_of(pixels, 10, 10));
  ASSERT_TRUE(pattern);
  EXPECT_EQ(pattern->intensity[2 * 4 + 1], 50);  // centre of mass [7, 3] is pattern pixel [2, 2]
  EXPECT_EQ(pattern->intensity[2 * 4 + 3], 50);
}

TEST(Preprocessor, LeavesUnmeasuredPixelsOutOfTheCentreOfMass) {
  std::vector<float> pixels(100, 0.0f);
  pixels[7 * 10 + 3] = 50;
  pixels[0] = kNan;
  pixels[9] = 1e6f;
  const Preprocessor preprocess(
      {.pattern_size = 4, .centring = Centring::centre_of_mass, .limits = {.saturation = 1000}}, nullptr);
  EXPECT_EQ(preprocess(frame_of(pixels, 10, 10))->intensity[2 * 4 + 2], 50);
}

TEST(Preprocessor, FindsTheCentreOfMassUnderABackground) {
  constexpr int kEdge = 96, kY = 63, kX = 40;
  std::uint64_t state = 7;
  const auto uniform = [&] {
    return static_cast<double>((state = state * 6364136223846793005ull + 1442695040888963407ull) >> 33) /
           2147483648.0;
  };
  std::vector<float> pixels;
  for (int y = 0; y < kEdge; ++y)
    for (int x = 0; x < kEdge; ++x) {
      const double r2 = (y - kY) * (y - kY) + (x - kX) * (x - kX);
      int background = 0;  // Poisson, mean 2
      for (double product = uniform(); product > std::exp(-2.0); product *= uniform()) ++background;
      pixels.push_back(static_cast<float>(background) +
                       static_cast<float>(std::round(10000 / 157.0 * std::exp(-r2 / 50))));
    }
  const Preprocessor preprocess({.pattern_size = 16, .centring = Centring::centre_of_mass}, nullptr);
  const auto pattern = preprocess(frame_of(pixels, kEdge, kEdge));
  ASSERT_TRUE(pattern);
  const auto brightest =
      std::max_element(pattern->intensity.begin(), pattern->intensity.end()) - pattern->intensity.begin();
  EXPECT_NEAR(static_cast<double>(brightest / 16), 8, 1.5);
  EXPECT_NEAR(static_cast<double>(brightest % 16), 8, 1.5);
}

TEST(Preprocessor, TakesTheMiddleWhereNothingStandsOutOfTheBackground) {
  const Preprocessor preprocess({.pattern_size = 2, .centring = Centring::centre_of_mass}, nullptr);
  const auto pattern = preprocess(frame_of(std::vector<float>(36, 3.0f), 6, 6));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->intensity, Each(3));
}

TEST(Preprocessor, TakesHalfTheHeightForTheMiddleWhetherGivenOrNot) {
  for (const int edge : {32, 33, 64})
    for (const int bin : {1, 2, 3, 4}) {
      std::vector<float> pixels(static_cast<std::size_t>(edge * edge), 0.0f);
      std::iota(pixels.begin(), pixels.end(), 1.0f);
      const auto middle = static_cast<float>(edge / 2);
      const auto given = Preprocessor({.pattern_size = 8, .bin = bin, .centre_y = middle, .centre_x = middle},
                                      nullptr)(frame_of(pixels, edge, edge));
      const auto left_out =
          Preprocessor({.pattern_size = 8, .bin = bin}, nullptr)(frame_of(pixels, edge, edge));
      ASSERT_TRUE(given && left_out);
      EXPECT_EQ(given->intensity, left_out->intensity) << edge << " " << bin;
      EXPECT_THAT(given->measured, Each(1)) << edge << " " << bin;
    }
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

TEST(Preprocessor, RejectsSumsThatSinglePrecisionCannotWorkWith) {
  const Preprocessor preprocess({.pattern_size = 2}, nullptr);
  EXPECT_EQ(preprocess(frame_of({1e-45f, 0, 0, 0}, 2, 2)).error(), Rejection::no_signal);
  EXPECT_EQ(preprocess(frame_of({3e38f, 3e38f, 0, 0}, 2, 2)).error(), Rejection::not_finite);
  EXPECT_EQ(preprocess(frame_of({1e31f, 0, 0, 0}, 2, 2)).error(), Rejection::not_finite);
}

TEST(Preprocessor, BinsBySumming) {
  const auto pattern = Preprocessor({.pattern_size = 2, .bin = 2}, nullptr)(frame_of(counting(16), 4, 4));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->intensity,
              ElementsAre(1 + 2 + 5 + 6, 3 + 4 + 7 + 8, 9 + 10 + 13 + 14, 11 + 12 + 15 + 16));
  EXPECT_THAT(pattern->measured, Each(1));
}

TEST(Preprocessor, BinsTheWholeDetectorForAnyFactor) {
  const auto pattern = Preprocessor({.pattern_size = 2, .bin = 3}, nullptr)(frame_of(counting(36), 6, 6));
  ASSERT_TRUE(pattern);
  EXPECT_EQ(std::accumulate(pattern->intensity.begin(), pattern->intensity.end(), 0.0f), 36 * 37 / 2);
}

TEST(Preprocessor, PutsAGivenCentreInTheMiddleOfItsBin) {
  std::vector<float> pixels(81, 0.0f);
  pixels[4 * 9 + 5] = 7;
  const Preprocessor preprocess({.pattern_size = 2, .bin = 3, .centre_y = 4, .centre_x = 5}, nullptr);
  const auto pattern = preprocess(frame_of(pixels, 9, 9));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->intensity, ElementsAre(0, 0, 0, 7));
}

TEST(Preprocessor, ScalesABinWithUnmeasuredMembersUp) {
  const Preprocessor preprocess({.pattern_size = 2, .bin = 2}, nullptr);
  const auto pattern = preprocess(frame_of({4, kNan, 1, 1,  //
                                            4, 4, 1, 1,     //
                                            kNan, 3, 1, 1,  //
                                            5, kNan, 1, 1},
                                           4, 4));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->intensity, ElementsAre(16, 4, 16, 4));
  EXPECT_THAT(pattern->measured, Each(1));
}

TEST(Preprocessor, DoesNotMeasureABinWithMoreThanHalfUnmeasured) {
  const Preprocessor preprocess({.pattern_size = 2, .bin = 2}, nullptr);
  const auto pattern = preprocess(frame_of({kNan, kNan, 1, 1,  //
                                            kNan, 4, 1, 1,     //
                                            1, 1, 1, 1,        //
                                            1, 1, 1, 1},
                                           4, 4));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->intensity, ElementsAre(0, 4, 4, 4));
  EXPECT_THAT(pattern->measured, ElementsAre(0, 1, 1, 1));
}

TEST(Preprocessor, TreatsBinMembersBeyondTheEdgeAsUnmeasured) {
  const Preprocessor preprocess({.pattern_size = 2, .bin = 2, .centre_y = 0.5f, .centre_x = 1.5f}, nullptr);
  const auto pattern = preprocess(frame_of(std::vector<float>(16, 2.0f), 4, 4));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->measured, ElementsAre(0, 0, 1, 1));  // columns -1..0 and 1..2, rows -2..-1 and 0..1
  EXPECT_THAT(pattern->intensity, ElementsAre(0, 0, 8, 8));
}

TEST(Preprocessor, DoesNotMeasureABinThatOverflows) {
  const Preprocessor preprocess({.pattern_size = 2, .bin = 2}, nullptr);
  std::vector<float> pixels(16, 1.0f);
  pixels[0] = pixels[1] = 3e38f;
  const auto pattern = preprocess(frame_of(pixels, 4, 4));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->measured, ElementsAre(0, 1, 1, 1));
  EXPECT_THAT(pattern->intensity, Each(testing::Lt(5.0f)));
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
