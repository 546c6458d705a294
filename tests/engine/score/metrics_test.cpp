#include "engine/score/metrics.h"

#include <gmock/gmock.h>

#include <random>
#include <stdexcept>

#include "tests/engine/score/plain_reference.h"

namespace flashphase::score {
namespace {

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

TEST(PoissonLlk, IsTheDefinedMeanOverTheChosenPixels) {
  const std::vector<float> calculated{2, 0.5f, 0.01f, 7, 0}, intensity{3, 0, 2, 1, 4};
  const auto term = [](double model, double photons) {
    return model - photons + photons * std::log(photons / model);
  };
  EXPECT_NEAR(poisson_llk(calculated, intensity, std::vector<std::uint8_t>{1, 1, 1, 0, 1}),
              (term(2, 3) + 0.5 + term(0.1, 2) + term(0.1, 4)) / 4, 1e-6);
  EXPECT_EQ(poisson_llk(calculated, intensity, std::vector<std::uint8_t>(5)), 0);
}

TEST(PoissonLlk, IsAboutAHalfForTheRightModelAndLargerForAWrongOne) {
  std::mt19937 random(1);
  std::vector<float> model(20000), photons;
  for (std::size_t i = 0; i < model.size(); ++i) {
    model[i] = 20 + static_cast<float>(i % 100);
    photons.push_back(
        static_cast<float>(std::poisson_distribution<int>(static_cast<double>(model[i]))(random)));
  }
  const std::vector<std::uint8_t> pixels(model.size(), 1);
  const double right = poisson_llk(model, photons, pixels);
  EXPECT_NEAR(right, 0.5, 0.02);
  for (float& value : model) value *= 1.1f;
  EXPECT_GT(poisson_llk(model, photons, pixels), right + 0.1);
}

}  // namespace
}  // namespace flashphase::score
