#include <gmock/gmock.h>

#include "engine/score/score.h"
#include "tests/engine/score/objects.h"

namespace flashphase::score {
namespace {

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

TEST(Compare, CountsWhatAlignmentRemovesAsNoError) {
  Object truth = blob(32, 16, 16), object = twin_of(blob(32, 18.5, 15.25), 32);
  for (auto& value : object) value *= std::polar(37.0f, 2.0f);
  const auto support = support_of(truth, 0.1f);
  const Comparison result = compare(object, truth, support, 32, Translation::sub_pixel);
  EXPECT_LT(result.amplitude_chi2, 1e-5);
  EXPECT_LT(result.phase_chi2, 1e-4);
  const Alignment alignment = align(object, truth, 32, Translation::sub_pixel);
  EXPECT_TRUE(result.twin);
  EXPECT_EQ(result.shift_y, alignment.shift_y);
  EXPECT_EQ(result.real_space_error, alignment.real_space_error);
  EXPECT_EQ(result.aligned, alignment.aligned);
  EXPECT_GT(compare(object, truth, support, 32).amplitude_chi2, 1e-3);
}

TEST(Compare, CountsWhatLeavesTheSquareAsAnAmplitudeThatIsMissing) {
  // The first column of the object has no place on the truth.
  const Object truth = patch(16, 6, 4, 0, 1);
  Object object = patch(16, 6, 4, 3, 1);
  for (std::size_t y = 0; y < 16; ++y) object[y * 16] = 0.1f;
  double inside = 0, beyond = 0;
  for (std::size_t i = 0; i < object.size(); ++i) (i % 16 == 0 ? beyond : inside) += std::norm(object[i]);
  const Comparison result = compare(object, truth, support_of(truth), 16);
  EXPECT_EQ(result.shift_x, -3);
  EXPECT_NEAR(result.amplitude_chi2, beyond / (inside + beyond), 1e-6);
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
