#include "engine/score/metrics.h"

#include <gmock/gmock.h>

#include <stdexcept>

#include "tests/engine/score/plain_reference.h"

namespace flashphase::score {
namespace {

using testing::Each;
using testing::FloatNear;

TEST(Diffraction, IsTheSquaredModulusOfTheCentredTransform) {
  for (const auto& [n, m] : {std::pair{8, 16}, std::pair{5, 11}}) {
    const auto object = plain::random_object(n, 1);
    const auto expected = plain::centred_transform(plain::embedded(object, n, m), m);
    const auto intensity = diffraction(object, n, m);
    ASSERT_EQ(intensity.size(), expected.size());
    for (std::size_t i = 0; i < intensity.size(); ++i) {
      EXPECT_NEAR(intensity[i], std::norm(expected[i]), 1e-4 * std::norm(expected[i]) + 1e-3) << i;
    }
  }
  EXPECT_THROW(diffraction(plain::random_object(8, 1), 8, 4), std::invalid_argument);
}

TEST(IntensityChi2, IsTheDefinedSumAfterTheBestScale) {
  const std::vector<float> calculated{2, 4, 6, 100}, intensity{1, 2, 4, 5};
  const std::vector<std::uint8_t> measured{1, 1, 1, 0};
  // s = (2 + 8 + 24) / (4 + 16 + 36) = 34 / 56
  const double s = 34.0 / 56;
  const double expected = (std::pow(2 * s - 1, 2) + std::pow(4 * s - 2, 2) + std::pow(6 * s - 4, 2)) / 21;
  EXPECT_NEAR(intensity_chi2(calculated, intensity, measured), expected, 1e-12);
  EXPECT_NEAR(intensity_chi2(intensity, intensity, measured), 0, 1e-12);
  EXPECT_EQ(intensity_chi2(std::vector<float>(4), intensity, measured), 1);
  EXPECT_EQ(intensity_chi2(calculated, std::vector<float>(4), measured), 1);
}

TEST(RFactor, IsTheDefinedSumAfterTheScaleOfSums) {
  const std::vector<float> calculated{16, 4, 1e6f}, intensity{1, 9, 1};
  const std::vector<std::uint8_t> measured{1, 1, 0};
  // moduli 4, 2 against 1, 3: scale 4 / 6
  EXPECT_NEAR(r_factor(calculated, intensity, measured),
              (std::abs(4 * 4 / 6.0 - 1) + std::abs(2 * 4 / 6.0 - 3)) / 4, 1e-12);
  EXPECT_NEAR(r_factor(intensity, intensity, measured), 0, 1e-12);
  EXPECT_EQ(r_factor(std::vector<float>(3), intensity, measured), 1);
}

TEST(FourierRingCorrelation, IsOneForImagesThatDifferByScaleAndPhase) {
  const auto first = plain::random_object(16, 1);
  auto second = first;
  for (auto& value : second) value *= std::polar(3.0f, 1.0f);
  const auto correlation = fourier_ring_correlation(first, second, 16);
  EXPECT_EQ(correlation.size(), 9u);
  EXPECT_THAT(correlation, Each(FloatNear(1, 1e-5f)));
}

TEST(FourierRingCorrelation, IsTheDefinedRatioRingByRing) {
  const int n = 12;
  const auto first = plain::random_object(n, 1), second = plain::random_object(n, 2);
  const auto f1 = plain::centred_transform(plain::embedded(first, n, n), n);
  const auto f2 = plain::centred_transform(plain::embedded(second, n, n), n);
  const auto correlation = fourier_ring_correlation(first, second, n);
  for (int ring = 0; ring <= n / 2; ++ring) {
    plain::Complex cross = 0;
    double e1 = 0, e2 = 0;
    for (int y = 0; y < n; ++y) {
      for (int x = 0; x < n; ++x) {
        if (std::lround(std::hypot(y - n / 2, x - n / 2)) != ring) continue;
        const auto i = static_cast<std::size_t>(y * n + x);
        cross += f1[i] * std::conj(f2[i]);
        e1 += std::norm(f1[i]);
        e2 += std::norm(f2[i]);
      }
    }
    EXPECT_NEAR(correlation[static_cast<std::size_t>(ring)], std::abs(cross) / std::sqrt(e1 * e2), 1e-5)
        << ring;
  }
}

TEST(FourierRingCorrelation, IsZeroWithoutSignal) {
  EXPECT_THAT(fourier_ring_correlation(plain::random_object(8, 1), std::vector<std::complex<float>>(64), 8),
              Each(0));
}

}  // namespace
}  // namespace flashphase::score
