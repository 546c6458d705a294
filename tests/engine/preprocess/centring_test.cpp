#include "engine/preprocess/preprocess.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/engine/preprocess/frames.h"

namespace flashphase::preprocess {
namespace {

using testing::Each;
using testing::ElementsAre;

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

}  // namespace
}  // namespace flashphase::preprocess
