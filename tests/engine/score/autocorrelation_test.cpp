#include "engine/score/autocorrelation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstddef>
#include <random>
#include <vector>

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

}  // namespace
}  // namespace flashphase::score
