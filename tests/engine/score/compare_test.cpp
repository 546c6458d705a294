#include <gmock/gmock.h>

#include "engine/score/score.h"
#include "tests/engine/score/plain_reference.h"

namespace flashphase::score {
namespace {

using Object = std::vector<std::complex<float>>;

/// A random patch of `edge` pixels at [y, x] of an n x n image.
Object patch(int n, int edge, int y, int x, unsigned seed) {
  const Object pixels = plain::random_object(edge, seed);
  Object object(static_cast<std::size_t>(n * n));
  for (int i = 0; i < edge * edge; ++i) {
    object[static_cast<std::size_t>((y + i / edge) * n + x + i % edge)] = pixels[static_cast<std::size_t>(i)];
  }
  return object;
}

std::vector<std::uint8_t> support_of(const Object& object) {
  std::vector<std::uint8_t> support;
  for (const auto value : object) support.push_back(std::abs(value) > 0);
  return support;
}

/// conj(object(-r)) about [n/2, n/2], where it stays inside the image.
Object twin_of(const Object& object, int n) {
  Object twin(object.size());
  for (int y = 1; y < n; ++y) {
    for (int x = 1; x < n; ++x) {
      twin[static_cast<std::size_t>((2 * (n / 2) - y) * n + 2 * (n / 2) - x)] =
          std::conj(object[static_cast<std::size_t>(y * n + x)]);
    }
  }
  return twin;
}

void expect_same(const Object& a, const Object& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(std::abs(a[i] - b[i]), 0, 1e-5) << i;
}

TEST(Compare, FindsAnObjectEqualToItself) {
  const Object truth = patch(16, 6, 4, 5, 1);
  const Comparison result = compare(truth, truth, support_of(truth), 16);
  EXPECT_NEAR(result.real_space_error, 0, 1e-12);
  EXPECT_NEAR(result.amplitude_chi2, 0, 1e-12);
  EXPECT_NEAR(result.phase_chi2, 0, 1e-10);
  EXPECT_FALSE(result.twin);
  EXPECT_EQ(result.shift_y, 0);
  EXPECT_EQ(result.shift_x, 0);
  expect_same(result.aligned, truth);
}

TEST(Compare, RemovesTranslationPhaseAndScale) {
  const Object truth = patch(16, 6, 4, 5, 1);
  Object object = patch(16, 6, 2, 10, 1);
  for (auto& value : object) value *= std::polar(37.0f, 2.0f);
  const Comparison result = compare(object, truth, support_of(truth), 16);
  EXPECT_NEAR(result.real_space_error, 0, 1e-10);
  EXPECT_NEAR(result.amplitude_chi2, 0, 1e-10);
  EXPECT_NEAR(result.phase_chi2, 0, 1e-10);
  EXPECT_EQ(result.shift_y, 2);
  EXPECT_EQ(result.shift_x, -5);
  expect_same(result.aligned, truth);
}

TEST(Compare, RecognisesTheTwinWithoutAShift) {
  for (const int n : {16, 15}) {
    const Object truth = patch(n, 6, 4, 5, 1);
    const Comparison result = compare(twin_of(truth, n), truth, support_of(truth), n);
    EXPECT_TRUE(result.twin);
    EXPECT_EQ(result.shift_y, 0);
    EXPECT_EQ(result.shift_x, 0);
    EXPECT_NEAR(result.real_space_error, 0, 1e-10);
    expect_same(result.aligned, truth);
  }
}

TEST(Compare, RecognisesAMovedTwin) {
  const Object truth = patch(16, 6, 4, 5, 1);
  Object object = twin_of(patch(16, 6, 7, 3, 1), 16);
  for (auto& value : object) value *= std::polar(0.01f, -1.0f);
  const Comparison result = compare(object, truth, support_of(truth), 16);
  EXPECT_TRUE(result.twin);
  EXPECT_EQ(result.shift_y, -3);
  EXPECT_EQ(result.shift_x, 2);
  EXPECT_NEAR(result.real_space_error, 0, 1e-10);
  expect_same(result.aligned, truth);
}

/// A smooth object that is not symmetric, its middle at [y, x].
Object blob(int n, double y, double x) {
  Object object;
  for (int row = 0; row < n; ++row) {
    for (int column = 0; column < n; ++column) {
      const double v = row - y, u = column - x;
      object.push_back(static_cast<std::complex<float>>(std::polar(
          std::exp(-(v * v + 0.7 * u * u + 0.3 * u * v) / 8), 0.5 * v + 0.1 * u * u + 0.2 * u * v)));
    }
  }
  return object;
}

TEST(Compare, RemovesAShiftOfAPartOfAPixelWhenAsked) {
  const int n = 32;
  const Object truth = blob(n, 16, 16);
  for (const auto& [y, x] : {std::pair{0.37, -0.61}, std::pair{2.5, 1.25}, std::pair{-3.0, 0.0}}) {
    for (const bool twin : {false, true}) {
      Object object = blob(n, 16 + y, 16 + x);
      if (twin) object = twin_of(object, n);
      const Comparison result = compare(object, truth, support_of(truth), n, Translation::sub_pixel);
      EXPECT_EQ(result.twin, twin);
      EXPECT_NEAR(result.shift_y, -y, 0.011);
      EXPECT_NEAR(result.shift_x, -x, 0.011);
      EXPECT_LT(result.real_space_error, 1e-5);
      EXPECT_LT(result.amplitude_chi2, 1e-5);
      const float whole = compare(object, truth, support_of(truth), n).real_space_error;
      EXPECT_EQ(whole > 0.01f, y != -3.0);
    }
  }
}

TEST(Compare, TakesASymmetricObjectForItself) {
  Object truth(64);
  for (const std::size_t i : {27u, 28u, 35u, 36u}) truth[i] = 1;
  EXPECT_FALSE(compare(truth, truth, support_of(truth), 8).twin);
}

TEST(Compare, FindsAPatchThatWouldOverlapOnlyAcrossTheEdge) {
  const Object truth = patch(16, 5, 11, 11, 3), object = patch(16, 5, 0, 0, 3);
  const Comparison result = compare(object, truth, support_of(truth), 16);
  EXPECT_EQ(result.shift_y, 11);
  EXPECT_EQ(result.shift_x, 11);
  EXPECT_NEAR(result.real_space_error, 0, 1e-10);
}

TEST(Compare, GivesTheDefinedErrorOfAWrongObject) {
  const int n = 12;
  const Object truth = patch(n, 6, 3, 3, 1);
  Object object = truth;
  for (std::size_t i = 0; i < object.size(); i += 3) object[i] *= std::polar(1.5f, 0.4f);
  const Comparison result = compare(object, truth, support_of(truth), n);

  std::complex<double> correlation = 0;
  double ep = 0, eg = 0, amplitudes = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const plain::Complex p(object[i]), g(truth[i]);
    correlation += std::conj(p) * g;
    ep += std::norm(p);
    eg += std::norm(g);
    amplitudes += std::abs(p) * std::abs(g);
  }
  double phase_error = 0, phases = 0, amplitude_error = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const plain::Complex p(object[i]), g(truth[i]);
    amplitude_error += std::pow(amplitudes / ep * std::abs(p) - std::abs(g), 2);
    if (std::abs(g) == 0) continue;
    phase_error += std::pow(std::arg(p * correlation / std::abs(correlation) * std::conj(g)), 2);
    phases += std::pow(std::arg(g), 2);
  }
  EXPECT_NEAR(result.real_space_error, 1 - std::norm(correlation) / (ep * eg), 1e-6);
  EXPECT_NEAR(result.amplitude_chi2, amplitude_error / eg, 1e-6);
  EXPECT_NEAR(result.phase_chi2, phase_error / phases, 1e-5);
  EXPECT_GT(result.real_space_error, 0.01);
}

TEST(Compare, CountsThePhaseInsideTheTruthsSupportOnly) {
  Object truth = patch(12, 6, 3, 3, 1), object = truth;
  object[0] = std::polar(1e-3f, 3.0f);
  truth[0] = 1e-3f;
  auto support = support_of(truth);
  const float with = compare(object, truth, support, 12).phase_chi2;
  support[0] = 0;
  EXPECT_LT(compare(object, truth, support, 12).phase_chi2, 1e-3f * with);
}

TEST(Compare, GivesAnErrorOfOneForAZeroObjectOrTruth) {
  const Object truth = patch(8, 4, 2, 2, 1), zero(64);
  for (const auto& [object, reference] :
       {std::pair{zero, truth}, std::pair{truth, zero}, std::pair{zero, zero}}) {
    const Comparison result = compare(object, reference, support_of(truth), 8);
    EXPECT_EQ(result.real_space_error, 1);
    EXPECT_EQ(result.amplitude_chi2, 1);
    EXPECT_EQ(result.phase_chi2, 1);
    EXPECT_EQ(result.aligned.size(), 64u);
  }
}

TEST(Compare, StaysFiniteForARealTruth) {
  Object truth = patch(8, 4, 2, 2, 1);
  for (auto& value : truth) value = std::abs(value);
  EXPECT_EQ(compare(truth, truth, support_of(truth), 8).phase_chi2, 0);
  Object object = truth;
  object[2 * 8 + 2] *= std::polar(1.0f, 0.5f);
  EXPECT_EQ(compare(object, truth, support_of(truth), 8).phase_chi2, 1);
}

}  // namespace
}  // namespace flashphase::score
