#include "engine/infer/features.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdint>
#include <numbers>
#include <vector>

#include "engine/infer/modulus_projection.h"

namespace flashphase::infer {
namespace {

constexpr int kM = 32, kN = 16, kCells = kM * kM;

struct Features {
  std::vector<float> features = std::vector<float>(static_cast<std::size_t>(kCells / 4 * kFeatureChannels));
  std::vector<float> modulus = std::vector<float>(kCells);
  std::vector<std::uint8_t> measured = std::vector<std::uint8_t>(kCells);
  float scale = 0;

  Features(const std::vector<float>& intensity, const std::vector<std::uint8_t>& mask) {
    scale = FeatureMaker(kM, kN)(intensity, mask, {features.data(), modulus.data(), measured.data()});
  }
  float at(int y, int x, int channel) const {
    return features[static_cast<std::size_t>(((y / 2) * kM / 2 + x / 2) * kFeatureChannels + channel * 4 +
                                             (y % 2) * 2 + x % 2)];
  }
};

/// |F(object)|^2 by the definition, zero of Q at [m/2, m/2], for an object given as {y, x, value} about the
/// origin.
struct Point {
  int y, x;
  std::complex<double> value;
};

std::vector<float> diffract(const std::vector<Point>& points) {
  std::vector<float> intensity(kCells);
  for (int qy = 0; qy < kM; ++qy)
    for (int qx = 0; qx < kM; ++qx) {
      std::complex<double> sum = 0;
      for (const Point& p : points)
        sum += p.value *
               std::polar(1.0, -2 * std::numbers::pi * ((qy - kM / 2) * p.y + (qx - kM / 2) * p.x) / kM);
      intensity[static_cast<std::size_t>(qy * kM + qx)] = static_cast<float>(std::norm(sum));
    }
  return intensity;
}

TEST(FeatureMaker, PutsTheAutocorrelationOfTheObjectIntoItsChannels) {
  // Two points: the autocorrelation has the conjugate product at their difference.
  const std::complex<double> a{1, 0}, b{0.3, 0.4};
  const Features features(diffract({{0, 0, a}, {3, -2, b}}), std::vector<std::uint8_t>(kCells, 1));
  const double total = std::norm(a) + std::norm(b);
  EXPECT_NEAR(features.at(kM / 2, kM / 2, 3), 1, 1e-4);
  EXPECT_NEAR(features.at(kM / 2, kM / 2, 4), 0, 1e-4);
  const std::complex<double> expected = b * std::conj(a) / total;
  EXPECT_NEAR(features.at(kM / 2 + 3, kM / 2 - 2, 3), expected.real(), 1e-4);
  EXPECT_NEAR(features.at(kM / 2 + 3, kM / 2 - 2, 4), expected.imag(), 1e-4);
  EXPECT_NEAR(features.at(kM / 2 - 3, kM / 2 + 2, 4), -expected.imag(), 1e-4);
}

TEST(FeatureMaker, NormalisesTheModulusToTheLayoutOfTheTransform) {
  const std::vector<Point> points{{0, 0, {1, 0}}, {2, 5, {0, 0.5}}};
  const std::vector<float> intensity = diffract(points);
  const Features features(intensity, std::vector<std::uint8_t>(kCells, 1));
  double sum = 0;
  for (const float value : features.modulus) sum += static_cast<double>(value * value);
  EXPECT_NEAR(sum, kM * kM * kN * kN / 4.0, 1);

  // The object itself, in that scale, has exactly that modulus where ModulusProjection looks for it.
  std::vector<float> re(kN * kN), im(kN * kN), modulus(kCells);
  for (const Point& p : points) {
    const auto at = static_cast<std::size_t>((p.y + kN / 2) * kN + p.x + kN / 2);
    re[at] = static_cast<float>(p.value.real()) * features.scale;
    im[at] = static_cast<float>(p.value.imag()) * features.scale;
  }
  ModulusProjection(kM, kN).modulus(re.data(), im.data(), modulus.data());
  for (std::size_t i = 0; i < kCells; ++i) ASSERT_NEAR(modulus[i], features.modulus[i], 1e-3) << i;
}

TEST(FeatureMaker, GivesNothingOfUnmeasuredPixelsAwayAndMarksThem) {
  std::vector<float> intensity(kCells, 2.0f);
  std::vector<std::uint8_t> mask(kCells, 1);
  intensity[5 * kM + 9] = 1e6f;
  mask[5 * kM + 9] = 0;
  const Features features(intensity, mask);
  EXPECT_EQ(features.at(5, 9, 0), 0);
  EXPECT_EQ(features.at(5, 9, 2), 0);
  EXPECT_EQ(features.at(5, 8, 2), 1);
  EXPECT_FLOAT_EQ(features.at(5, 8, 0), 1);
}

TEST(FeatureMaker, AnswersAPatternWithoutSignalWithZeros) {
  const Features features(std::vector<float>(kCells), std::vector<std::uint8_t>(kCells, 1));
  EXPECT_EQ(features.scale, 0);
  for (const float value : features.modulus) ASSERT_EQ(value, 0);
  for (const float value : features.features) ASSERT_TRUE(value == 0 || value == 1);
}

}  // namespace
}  // namespace flashphase::infer
