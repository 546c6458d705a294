#include "engine/score/autocorrelation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstddef>
#include <random>
#include <vector>

#include "engine/frame/domain.h"
#include "engine/score/metrics.h"

namespace flashphase::score {
namespace {

constexpr int kN = 6, kM = 16;

TEST(Autocorrelation, IsThatOfTheObject) {
  std::vector<std::complex<float>> object(kN * kN);
  for (std::size_t i = 0; i < object.size(); ++i)
    object[i] = std::polar(1 + 0.1f * static_cast<float>(i % 7), 0.4f * static_cast<float>(i * i % 11));
  const auto pattern = diffraction(object, kN, kM);
  Autocorrelation autocorrelation(kM);
  const auto lags = autocorrelation(pattern);
  const auto at = [&](int v, int u) {
    std::complex<float> sum;
    for (int y = 0; y < kN; ++y)
      for (int x = 0; x < kN; ++x)
        if (y + v >= 0 && y + v < kN && x + u >= 0 && x + u < kN)
          sum += object[static_cast<std::size_t>((y + v) * kN + x + u)] *
                 std::conj(object[static_cast<std::size_t>(y * kN + x)]);
    return std::abs(sum);
  };
  for (int v = -kM / 2; v < kM / 2; ++v)
    for (int u = -kM / 2; u < kM / 2; ++u)
      EXPECT_NEAR(lags[static_cast<std::size_t>((v + kM) % kM * kM + (u + kM) % kM)], at(v, u) / at(0, 0),
                  1e-5f)
          << v << ", " << u;
}

TEST(Autocorrelation, OfADarkPatternIsZero) {
  Autocorrelation autocorrelation(kM);
  for (const float value : autocorrelation(std::vector<float>(kM * kM))) EXPECT_EQ(value, 0);
}

TEST(Outskirts, HoldNothingOfAnObjectThatFitsAndTheNoiseOfItsPhotons) {
  constexpr int kLarge = 64;
  std::vector<std::complex<float>> object;  // of many phases: light everywhere, and noise that is white
  for (int i = 0; i < 20 * 20; ++i) object.push_back(std::polar(1.0f, static_cast<float>(i * i % 97)));
  const auto pattern = diffraction(object, 20, kLarge);
  Autocorrelation autocorrelation(kLarge);
  EXPECT_LT(outskirts(autocorrelation(pattern), kLarge, 21), 1e-6f);
  EXPECT_GT(outskirts(autocorrelation(pattern), kLarge, 15), 1e-3f);

  double sum = 0, photons = 0;
  for (const float value : pattern) sum += static_cast<double>(value);
  std::mt19937 random(3);
  std::vector<float> counted;
  for (const float value : pattern) {
    counted.push_back(
        static_cast<float>(std::poisson_distribution<int>(static_cast<double>(value) * 1e5 / sum)(random)));
    photons += static_cast<double>(counted.back());
  }
  EXPECT_NEAR(outskirts(autocorrelation(counted), kLarge, 21) * std::sqrt(photons), 1, 0.05);
}

/// A disc of this radius with strong phases in a square of 64, its pattern of 128 counted, binned to 64.
std::vector<float> binned_disc(float radius, double photons, unsigned seed) {
  constexpr int kWide = 64, kHalf = 64;
  std::vector<std::complex<float>> object;
  for (int y = -kWide / 2; y < kWide / 2; ++y)
    for (int x = -kWide / 2; x < kWide / 2; ++x) {
      const auto v = static_cast<float>(y), u = static_cast<float>(x);
      object.push_back(std::hypot(v, u) < radius ? std::polar(1.0f, 2 * std::sin(v / 5) + 2 * std::cos(u / 6))
                                                 : 0.0f);
    }
  const auto pattern = diffraction(object, kWide, 2 * kWide);
  double sum = 0;
  for (const float value : pattern) sum += static_cast<double>(value);
  std::mt19937 random(seed);
  std::vector<float> binned(kHalf * kHalf);
  for (std::size_t y = 0; y < 2 * kHalf; ++y)
    for (std::size_t x = 0; x < 2 * kHalf; ++x) {
      const double mean = photons / sum * static_cast<double>(pattern[y * 2 * kHalf + x]);
      binned[y / 2 * kHalf + x / 2] += static_cast<float>(std::poisson_distribution<int>(mean)(random));
    }
  return binned;
}

TEST(Overflow, TellsObjectsThatAreTooLargeForTheSquareFromThoseThatFit) {
  Autocorrelation autocorrelation(64);
  const std::vector<std::uint8_t> measured(64 * 64, 1);
  for (const double photons : {1e5, 1e6, 1e7})
    for (unsigned seed = 0; seed < 4; ++seed) {
      EXPECT_GT(overflow(binned_disc(22, photons, seed), measured, autocorrelation), Domain().overflow_max)
          << photons;
      EXPECT_LT(overflow(binned_disc(12, photons, seed), measured, autocorrelation), Domain().overflow_max)
          << photons;
    }
}

TEST(Overflow, IsNotToldFromLightThatIsMissing) {
  Autocorrelation autocorrelation(64);
  auto pattern = binned_disc(12, 1e6, 1);
  std::vector<std::uint8_t> measured(64 * 64, 1);
  for (std::size_t y = 30; y < 35; ++y)
    for (std::size_t x = 30; x < 35; ++x) pattern[y * 64 + x] = measured[y * 64 + x] = 0;
  EXPECT_EQ(overflow(pattern, measured, autocorrelation), 0);
  auto large = binned_disc(22, 1e6, 1);
  std::vector<std::uint8_t> one_dead(64 * 64, 1);
  large[5 * 64 + 7] = one_dead[5 * 64 + 7] = 0;
  EXPECT_GT(overflow(large, one_dead, autocorrelation), Domain().overflow_max);
  EXPECT_EQ(overflow(std::vector<float>(64 * 64), one_dead, autocorrelation), 0);
}

}  // namespace
}  // namespace flashphase::score
