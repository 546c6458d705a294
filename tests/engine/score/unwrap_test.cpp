#include "engine/score/unwrap.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <stdexcept>

namespace flashphase::score {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr double kTurn = 2 * std::numbers::pi;

struct Image {
  int height;
  int width;
  std::vector<float> value = std::vector<float>(static_cast<std::size_t>(height * width));

  template <class Function>
  static Image of(int height, int width, Function function) {
    Image image{height, width};
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) image.at(y, x) = static_cast<float>(function(y, x));
    }
    return image;
  }

  float& at(int y, int x) { return value[static_cast<std::size_t>(y * width + x)]; }
  float at(int y, int x) const { return value[static_cast<std::size_t>(y * width + x)]; }

  Image wrapped() const {
    Image image = *this;
    for (float& v : image.value) v = static_cast<float>(std::remainder(static_cast<double>(v), kTurn));
    return image;
  }
};

std::vector<std::uint8_t> everywhere(const Image& image) {
  return std::vector<std::uint8_t>(image.value.size(), 1);
}

std::vector<float> unwrap(const Image& image, const std::vector<std::uint8_t>& inside) {
  std::vector<float> result(image.value.size(), -77);
  Unwrapper(image.height, image.width)(image.value, inside, result);
  return result;
}

/// The truth, shifted to the mean nearest to zero.
void expect_truth(const std::vector<float>& result, const Image& truth) {
  double mean = 0;
  for (const float v : truth.value) mean += static_cast<double>(v) / static_cast<double>(truth.value.size());
  const double shift = kTurn * std::nearbyint(mean / kTurn);
  for (std::size_t i = 0; i < result.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(result[i]), static_cast<double>(truth.value[i]) - shift, 2e-4) << i;
  }
}

TEST(Unwrapper, GivesASmoothPhaseBackInAnyShape) {
  for (const auto& [height, width] : {std::pair{40, 40}, std::pair{7, 61}, std::pair{61, 7}, std::pair{1, 50},
                                      std::pair{50, 1}, std::pair{2, 2}, std::pair{1, 1}}) {
    const Image truth = Image::of(height, width, [](int y, int x) {
      return 1.1 * x + 0.02 * y * y - 0.9 * y + 4 * std::sin(0.2 * (x + y));
    });
    expect_truth(unwrap(truth.wrapped(), everywhere(truth)), truth);
  }
}

TEST(Unwrapper, LeavesAPhaseWithoutJumpsAsItIs) {
  const Image truth = Image::of(12, 12, [](int y, int x) { return 0.2 * x - 0.2 * y; });
  EXPECT_EQ(unwrap(truth, everywhere(truth)), truth.value);
  const Image flat = Image::of(9, 9, [](int, int) { return 1.5; });
  EXPECT_EQ(unwrap(flat, everywhere(flat)), flat.value);
}

TEST(Unwrapper, ChangesEveryPixelByAMultipleOfTwoPiOfThePhaseOfNoise) {
  std::mt19937 random(5);
  const Image noise = Image::of(
      33, 20, [&](int, int) { return 6.28 * static_cast<double>(random() % 10000) / 10000 - 3.14; });
  const auto result = unwrap(noise, everywhere(noise));
  for (std::size_t i = 0; i < result.size(); ++i) {
    EXPECT_NEAR(std::remainder(static_cast<double>(result[i] - noise.value[i]), kTurn), 0, 1e-5);
  }
}

TEST(Unwrapper, IsNotMisledByNoiseOutsideTheMask) {
  const Image truth = Image::of(32, 32, [](int y, int x) { return 0.9 * x - 0.7 * y; });
  Image wrapped = truth.wrapped();
  std::vector<std::uint8_t> inside(wrapped.value.size());
  std::mt19937 random(3);
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) {
      const bool disc = std::hypot(y - 16, x - 16) < 12;
      inside[static_cast<std::size_t>(y * 32 + x)] = disc;
      if (!disc) wrapped.at(y, x) = static_cast<float>(random() % 6000) / 1000 - 3;
    }
  }
  const auto result = unwrap(wrapped, inside);
  const float shift = result[16 * 32 + 16] - truth.at(16, 16);
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (inside[i]) {
      EXPECT_NEAR(result[i] - truth.value[i], shift, 1e-4) << i;
    } else {
      EXPECT_EQ(result[i], 0) << i;
    }
  }
}

TEST(Unwrapper, TreatsRegionsThatDoNotTouchEachOnItsOwn) {
  // Two ramps with a column between them that is outside; the second is 3 turns up.
  const Image truth =
      Image::of(6, 17, [](int, int x) { return x < 8 ? 1.7 * (x - 3.5) : 2.1 * (x - 12.5) + 3 * kTurn; });
  std::vector<std::uint8_t> inside = everywhere(truth);
  for (std::size_t y = 0; y < 6; ++y) inside[y * 17 + 8] = 0;
  const auto result = unwrap(truth.wrapped(), inside);
  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 17; ++x) {
      const double expected = x == 8 ? 0 : static_cast<double>(truth.at(y, x)) - (x > 8 ? 3 * kTurn : 0);
      EXPECT_NEAR(static_cast<double>(result[static_cast<std::size_t>(y * 17 + x)]), expected, 1e-4)
          << y << " " << x;
    }
  }
}

TEST(Unwrapper, DoesNotConnectAcrossADiagonal) {
  const Image image{2, 2, {3.0f, 0, 0, -3.0f}};
  EXPECT_THAT(unwrap(image, {1, 0, 0, 1}), ElementsAre(3.0f, 0, 0, -3.0f));
  EXPECT_THAT(unwrap(image, {0, 0, 0, 0}), Each(0));
}

TEST(Unwrapper, LeavesOneSeamFromAVortexToTheEdge) {
  // Its centre lies 9 columns from the nearest edge.
  const Image vortex = Image::of(31, 31, [](int y, int x) { return std::atan2(y - 15.5, x - 8.5); });
  const auto result = unwrap(vortex, everywhere(vortex));
  int jumps = 0;
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (i % 31 != 30) jumps += std::abs(result[i + 1] - result[i]) > 3.2f;
    if (i + 31 < result.size()) jumps += std::abs(result[i + 31] - result[i]) > 3.2f;
  }
  EXPECT_GE(jumps, 9);
  EXPECT_LE(jumps, 31);
}

TEST(Unwrapper, TakesAPixelThatIsNotFiniteForOneOutside) {
  Image image = Image::of(5, 5, [](int, int x) { return 0.3 * x; });
  image.at(2, 2) = std::numeric_limits<float>::quiet_NaN();
  image.at(0, 4) = std::numeric_limits<float>::infinity();
  auto expected = image.value;
  expected[2 * 5 + 2] = expected[4] = 0;
  EXPECT_EQ(unwrap(image, everywhere(image)), expected);
}

TEST(Unwrapper, StaysFiniteForPhasesOfAnySize) {
  Image image = Image::of(6, 6, [](int y, int x) { return (x - y) * 1e36; });
  for (const float v : unwrap(image, everywhere(image))) EXPECT_TRUE(std::isfinite(v));
}

TEST(Unwrapper, WorksInPlaceAndForgetsTheImageBefore) {
  const Image truth = Image::of(20, 30, [](int y, int x) { return 0.8 * x + 1.2 * y; });
  Unwrapper unwrapper(20, 30);
  Image first = Image::of(20, 30, [](int y, int x) { return x * y % 7; });
  unwrapper(first.value, everywhere(first), first.value);
  Image image = truth.wrapped();
  unwrapper(image.value, everywhere(image), image.value);
  expect_truth(image.value, truth);
}

TEST(Unwrapper, RefusesShapesThatDoNotFit) {
  EXPECT_THROW(Unwrapper(0, 4), std::invalid_argument);
  EXPECT_THROW(Unwrapper(4, -1), std::invalid_argument);
  EXPECT_THROW(Unwrapper(65536, 32768), std::invalid_argument);
  Unwrapper unwrapper(3, 4);
  std::vector<float> phase(12), wrong(11);
  const std::vector<std::uint8_t> inside(12, 1);
  EXPECT_THROW(unwrapper(wrong, inside, phase), std::invalid_argument);
  EXPECT_THROW(unwrapper(phase, std::span(inside).first(11), phase), std::invalid_argument);
  EXPECT_THROW(unwrapper(phase, inside, wrong), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::score
