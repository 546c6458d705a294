#include <gmock/gmock.h>

#include <complex>
#include <limits>
#include <numbers>
#include <stdexcept>

#include "engine/score/score.h"
#include "tests/engine/score/plain_reference.h"

namespace flashphase::score {
namespace {

struct Sizes {
  int n;
  int m;
};

/// A pattern that is not the object's own, with some pixels not measured.
struct Case {
  explicit Case(Sizes sizes)
      : n(sizes.n),
        m(sizes.m),
        object(plain::random_object(n, 1)),
        measured(static_cast<std::size_t>(m * m), 1) {
    const auto other = plain::centred_transform(plain::embedded(plain::random_object(n, 2), n, m), m);
    for (const auto value : other) intensity.push_back(static_cast<float>(std::norm(value)));
    for (std::size_t i = 0; i < measured.size(); i += 7) measured[i] = 0;
  }

  int n, m;
  std::vector<std::complex<float>> object;
  std::vector<float> intensity;
  std::vector<std::uint8_t> measured;
};

TEST(ModulusScorer, GivesTheDefinedChiSquareForEvenAndOddSizes) {
  for (const Sizes sizes : {Sizes{8, 16}, Sizes{5, 12}, Sizes{7, 15}, Sizes{16, 16}, Sizes{1, 2}}) {
    const Case c(sizes);
    const auto f = plain::centred_transform(plain::embedded(c.object, c.n, c.m), c.m);
    const double expected = plain::modulus_chi2(f, c.intensity, c.measured);
    ModulusScorer scorer(c.m);
    EXPECT_NEAR(scorer(c.intensity, c.measured, c.object, c.n), expected, 1e-5 * expected + 1e-9)
        << c.n << " in " << c.m;
  }
}

TEST(ModulusScorer, IsZeroForTheObjectThatMadeThePatternInAnyScale) {
  Case c({8, 16});
  const auto f = plain::centred_transform(plain::embedded(c.object, c.n, c.m), c.m);
  for (std::size_t i = 0; i < f.size(); ++i) c.intensity[i] = static_cast<float>(std::norm(f[i]));
  ModulusScorer scorer(c.m);
  for (const float scale : {1.0f, 1e-20f, 1e20f}) {
    auto object = c.object;
    for (auto& value : object) value *= scale;
    EXPECT_LT(scorer(c.intensity, c.measured, object, c.n), 1e-11f) << scale;
  }
}

/// proto/reconstruction.proto: F(ky, kx) = sum object(y, x) exp(-2 pi i (ky y + kx x) / m), origins in the
/// middle.
TEST(ModulusScorer, TakesThePhaseWithTheSignThatTheWireStates) {
  constexpr int n = 8, m = 16;
  const auto object = plain::random_object(n, 3);
  std::vector<float> intensity;
  for (int ky = -m / 2; ky < m / 2; ++ky)
    for (int kx = -m / 2; kx < m / 2; ++kx) {
      std::complex<double> sum;
      for (int y = 0; y < n; ++y)
        for (int x = 0; x < n; ++x)
          sum += std::complex<double>(object[static_cast<std::size_t>(y * n + x)]) *
                 std::polar(1.0, -2 * std::numbers::pi * (ky * (y - n / 2) + kx * (x - n / 2)) / m);
      intensity.push_back(static_cast<float>(std::norm(sum)));
    }
  const std::vector<std::uint8_t> measured(intensity.size(), 1);
  auto other_sign = object;
  for (auto& value : other_sign) value = std::conj(value);
  ModulusScorer scorer(m);
  EXPECT_LT(scorer(intensity, measured, object, n), 1e-9f);
  EXPECT_GT(scorer(intensity, measured, other_sign, n), 0.1f);
}

TEST(ModulusScorer, LooksAtMeasuredPixelsOnly) {
  Case c({8, 16});
  ModulusScorer scorer(c.m);
  const float before = scorer(c.intensity, c.measured, c.object, c.n);
  for (std::size_t i = 0; i < c.measured.size(); ++i) {
    if (!c.measured[i]) c.intensity[i] = std::numeric_limits<float>::quiet_NaN();
  }
  EXPECT_EQ(scorer(c.intensity, c.measured, c.object, c.n), before);
}

TEST(ModulusScorer, IsOneWhereNothingCanBeCompared) {
  Case c({8, 16});
  ModulusScorer scorer(c.m);
  auto object = c.object;
  std::fill(object.begin(), object.end(), 0.0f);
  EXPECT_EQ(scorer(c.intensity, c.measured, object, c.n), 1);
  object[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(scorer(c.intensity, c.measured, object, c.n), 1);
  object[3] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(scorer(c.intensity, c.measured, object, c.n), 1);
  std::fill(c.intensity.begin(), c.intensity.end(), 0.0f);
  EXPECT_EQ(scorer(c.intensity, c.measured, c.object, c.n), 1);
  std::fill(c.measured.begin(), c.measured.end(), std::uint8_t{0});
  EXPECT_EQ(scorer(c.intensity, c.measured, c.object, c.n), 1);
}

TEST(ModulusScorer, FillsTheResidualOfEveryObjectOfABatch) {
  const Case c({8, 16});
  PatternBatch patterns(2, c.m);
  ObjectBatch objects(2, c.n);
  for (int i = 0; i < 2; ++i) {
    std::copy(c.intensity.begin(), c.intensity.end(), patterns.intensity.begin() + i * c.m * c.m);
    std::copy(c.measured.begin(), c.measured.end(), patterns.measured.begin() + i * c.m * c.m);
  }
  std::copy(c.object.begin(), c.object.end(), objects.object_of(1).begin());
  ModulusScorer scorer(c.m);
  scorer(patterns, objects);
  EXPECT_EQ(objects.residual[0], 1);
  EXPECT_EQ(objects.residual[1], scorer(c.intensity, c.measured, c.object, c.n));
}

TEST(ModulusScorer, RefusesShapesThatDoNotFit) {
  const Case c({8, 16});
  ModulusScorer scorer(c.m);
  EXPECT_THROW(scorer(c.intensity, c.measured, c.object, 7), std::invalid_argument);
  EXPECT_THROW(scorer(std::span(c.intensity).first(9), c.measured, c.object, c.n), std::invalid_argument);
  const auto large = plain::random_object(17, 1);
  EXPECT_THROW(scorer(c.intensity, c.measured, large, 17), std::invalid_argument);
  ObjectBatch objects(1, c.n);
  EXPECT_THROW(scorer(PatternBatch(2, c.m), objects), std::invalid_argument);
  EXPECT_THROW(scorer(PatternBatch(1, 2 * c.m), objects), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::score
