#include "engine/score/noise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numeric>
#include <random>
#include <vector>

#include "engine/score/metrics.h"
#include "engine/score/score.h"

namespace flashphase::score {
namespace {

constexpr int kN = 32;
constexpr int kM = 64;

/// A tilted ellipse with a smooth phase; `edge` sets how sharp it ends.
std::vector<std::complex<float>> particle(unsigned seed, float edge) {
  std::mt19937 random(seed);
  const auto uniform = [&](float low, float high) {
    return low + (high - low) * static_cast<float>(random() % 10000) / 10000;
  };
  const float a = uniform(5, 11), b = uniform(5, 11), tilt = uniform(0, 3), curve = uniform(-2, 2);
  std::vector<std::complex<float>> object;
  for (int y = -kN / 2; y < kN / 2; ++y) {
    for (int x = -kN / 2; x < kN / 2; ++x) {
      const auto fx = static_cast<float>(x), fy = static_cast<float>(y);
      const float u = (fx * std::cos(tilt) + fy * std::sin(tilt)) / a;
      const float v = (fy * std::cos(tilt) - fx * std::sin(tilt)) / b;
      const float amplitude = std::clamp(edge * (1 - u * u * u * u - v * v * v * v) + 0.5f, 0.0f, 1.0f);
      object.push_back(std::polar(amplitude, curve * std::cos(fx / 6) * std::sin(fy / 7)));
    }
  }
  return object;
}

/// What noise alone leaves of the true object, by chance and as expected, summed over particles.
struct Noise {
  double left = 0, expected = 0;
};

Noise noise_at(double photons, float edge) {
  const std::vector<std::uint8_t> measured(kM * kM, 1);
  ModulusScorer score(kM);
  std::mt19937 random(7);
  Noise noise;
  for (unsigned seed = 1; seed <= 12; ++seed) {
    const auto object = particle(seed, edge);
    std::vector<float> pattern = diffraction(object, kN, kM);
    const double scale = photons / std::accumulate(pattern.begin(), pattern.end(), 0.0);
    for (float& value : pattern)
      value = static_cast<float>(std::poisson_distribution<long>(scale * static_cast<double>(value))(random));
    noise.left += static_cast<double>(score(pattern, measured, object, kN));
    noise.expected += static_cast<double>(noise_residual(pattern, measured));
  }
  return noise;
}

TEST(NoiseResidual, IsWhatPoissonNoiseLeavesOfTheTrueObjectFromAThousandPhotonsToTenMillion) {
  for (const double photons : {1e3, 1e4, 1e5, 1e6, 1e7}) {
    for (const float edge : {0.7f, 1.5f, 50.0f}) {
      const Noise noise = noise_at(photons, edge);
      EXPECT_GT(noise.expected, 0.9 * noise.left) << photons << " photons, edge " << edge;
      EXPECT_LT(noise.expected, 1.3 * noise.left) << photons << " photons, edge " << edge;
    }
  }
}

TEST(NoiseResidual, IsAQuarterOfAPhotonAPixelWherePhotonsAreMany) {
  const std::vector<float> bright(100, 1e5f);
  EXPECT_NEAR(noise_residual(bright, std::vector<std::uint8_t>(100, 1)), 0.25 / 1e5, 1e-9);
}

TEST(NoiseResidual, CountsMeasuredPixelsOnly) {
  const std::vector<float> pattern{1e4f, 3, 1, 0};
  const float alone = noise_residual(std::vector<float>{1e4f, 0}, std::vector<std::uint8_t>{1, 1});
  EXPECT_EQ(noise_residual(pattern, std::vector<std::uint8_t>{1, 0, 0, 1}), alone);
  EXPECT_GT(noise_residual(pattern, std::vector<std::uint8_t>{1, 1, 1, 1}), alone);
}

TEST(NoiseResidual, IsZeroWhereThereIsNothing) {
  EXPECT_EQ(noise_residual(std::vector<float>(4), std::vector<std::uint8_t>(4, 1)), 0);
  EXPECT_EQ(noise_residual(std::vector<float>(4, 9), std::vector<std::uint8_t>(4, 0)), 0);
  EXPECT_EQ(noise_residual({}, {}), 0);
}

TEST(NoiseResidual, TakesWhatIsNoWholeNumber) {
  const std::vector<std::uint8_t> measured{1};
  const auto variance = [&](float count) {
    return count * noise_residual(std::vector<float>{count}, measured);
  };
  EXPECT_NEAR(variance(2.5f), 0.5f * (variance(2) + variance(3)), 1e-5f);
  EXPECT_NEAR(variance(0.1f), 0.1f * variance(1), 1e-5f);
  EXPECT_NEAR(variance(19.999f), variance(20.001f), 1e-3f);
  EXPECT_NEAR(variance(1e30f), 0.25f, 1e-3f);
}

TEST(Counted, AreWholeNumbers) {
  const std::vector<std::uint8_t> all(4, 1);
  EXPECT_TRUE(is_counted(std::vector<float>{0, 3, 1e9f, 7}, all));
  EXPECT_FALSE(is_counted(std::vector<float>{0.5f, 3, 1e9f, 7}, all));
  EXPECT_TRUE(is_counted(std::vector<float>{0.5f, 3, 1e9f, 7}, std::vector<std::uint8_t>{0, 1, 1, 1}));
  EXPECT_TRUE(is_counted({}, {}));
}

/// A hundred pixels, of which the first `zeros` are dark and the others hold `lowest` and more.
bool counted_with(std::size_t zeros, float lowest) {
  std::vector<float> intensity(100);
  for (std::size_t i = zeros; i < 100; ++i)
    intensity[i] = lowest * (1 + 0.1f * static_cast<float>(i - zeros));
  return is_counted(intensity, std::vector<std::uint8_t>(100, 1));
}

TEST(Counted, ArePhotonsAfterAFlatField) {
  EXPECT_TRUE(counted_with(30, 0.73f));
  EXPECT_TRUE(counted_with(5, 1.2f));
  EXPECT_FALSE(counted_with(4, 0.73f)) << "nearly every pixel is lit: no counting is to be seen";
  EXPECT_FALSE(counted_with(30, 0.01f)) << "less than a photon";
  EXPECT_FALSE(counted_with(30, 20.5f)) << "in units of a detector";
}

TEST(Noisy, IsWhatLeavesMoreThanTheEdgeOfASupport) {
  EXPECT_TRUE(is_noisy(1e-4f));
  EXPECT_FALSE(is_noisy(1e-6f));
}

}  // namespace
}  // namespace flashphase::score
