#include "engine/score/confidence.h"

#include <gmock/gmock.h>

#include <stdexcept>

#include "tests/engine/score/plain_reference.h"

namespace flashphase::score {
namespace {

using testing::Each;
using testing::FloatNear;
using Object = std::vector<std::complex<float>>;

constexpr int kN = 12;
constexpr int kM = 24;

/// A random patch of 5 pixels at [y, x], or its twin.
Object patch(int y, int x, unsigned seed, bool twin = false) {
  const Object pixels = plain::random_object(5, seed);
  Object object(kN * kN);
  for (std::size_t i = 0; i < 25; ++i) {
    const std::size_t to = (static_cast<std::size_t>(y) + i / 5) * kN + static_cast<std::size_t>(x) + i % 5;
    object[to] = twin ? std::conj(pixels[24 - i]) : pixels[i];
  }
  return object;
}

Object joined(const std::vector<Object>& objects) {
  Object all;
  for (const Object& object : objects) all.insert(all.end(), object.begin(), object.end());
  return all;
}

TEST(Confidence, IsCompleteForResultsThatDifferByTrivialAmbiguitiesOnly) {
  Object turned = patch(1, 4, 1);
  for (auto& value : turned) value *= std::polar(5.0f, 2.0f);
  for (const Translation translation : {Translation::whole_pixel, Translation::sub_pixel}) {
    const auto result =
        confidence(joined({patch(3, 3, 1), turned, patch(6, 2, 1, true)}), kN, kM, translation);
    EXPECT_NEAR(result.agreement, 1, 1e-5);
    EXPECT_THAT(result.prtf, Each(FloatNear(1, 1e-4f)));
    EXPECT_EQ(result.prtf.size(), 13u);
    EXPECT_FALSE(result.resolution.crossed);
    const Object expected = patch(3, 3, 1);
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(std::abs(result.mean[i] - expected[i]), 0, 1e-5);
  }
}

TEST(Confidence, IsTheMeanOverPairsOfTheAlignedResults) {
  std::vector<Object> objects{patch(3, 3, 1), patch(3, 3, 1), patch(3, 3, 1)};
  // Small changes that keep the best alignment where it is.
  for (std::size_t i = 0; i < objects[0].size(); ++i) {
    objects[1][i] *= i % 3 == 0 ? 1.3f : 1.0f;
    objects[2][i] *= i % 2 == 0 ? 0.7f : 1.0f;
  }
  const auto inner = [](const Object& a, const Object& b) {
    std::complex<double> sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::conj(plain::Complex(a[i])) * plain::Complex(b[i]);
    return sum;
  };
  double pairs = 0;
  for (const auto& [k, l] : {std::pair{0, 1}, std::pair{0, 2}, std::pair{1, 2}}) {
    const auto &a = objects[static_cast<std::size_t>(k)], &b = objects[static_cast<std::size_t>(l)];
    pairs += inner(a, b).real() / std::sqrt(inner(a, a).real() * inner(b, b).real());
  }
  const auto result = confidence(joined(objects), kN, kM, Translation::whole_pixel);
  EXPECT_NEAR(result.agreement, pairs / 3, 1e-5);
  EXPECT_LT(result.agreement, 0.995);
}

TEST(Confidence, IsLowForResultsThatHaveNothingInCommon) {
  std::vector<Object> objects;
  for (unsigned seed = 1; seed <= 8; ++seed) objects.push_back(plain::random_object(kN, seed));
  for (Object& object : objects) {
    for (std::size_t i = 0; i < object.size(); ++i)
      object[i] *= std::polar(1.0f, static_cast<float>(i * i % 17) * object[i].real());
  }
  const auto same = confidence(joined({objects[0], objects[0]}), kN, kM);
  const auto different = confidence(joined(objects), kN, kM);
  EXPECT_GT(same.agreement, 0.999f);
  EXPECT_LT(different.agreement, 0.5f);
  EXPECT_LT(different.prtf[8], 0.8f);
}

TEST(Confidence, CountsAResultThatIsAllZeroAsDisagreement) {
  const Object object = patch(3, 3, 1), zero(object.size());
  const auto result = confidence(joined({zero, object, object}), kN, kM);
  EXPECT_NEAR(result.agreement, 1.0 / 3, 1e-5);
  EXPECT_THAT(result.prtf, Each(FloatNear(1, 1e-4f)));
}

TEST(Confidence, IsNoneForFewerThanTwoResults) {
  const Object object = patch(3, 3, 1), zero(object.size());
  for (const Object& objects : {Object{}, object, zero, joined({zero, zero}), joined({zero, object})}) {
    const auto result = confidence(objects, kN, kM);
    EXPECT_EQ(result.agreement, 0);
    EXPECT_THAT(result.prtf, Each(0));
    EXPECT_EQ(result.prtf.size(), 13u);
    EXPECT_TRUE(result.resolution.crossed);
    EXPECT_EQ(result.mean.size(), object.size());
  }
}

TEST(Confidence, RefusesShapesThatDoNotFit) {
  const Object object = patch(3, 3, 1);
  EXPECT_THROW(confidence(object, kN, kN - 1), std::invalid_argument);
  EXPECT_THROW(confidence(std::span(object).first(140), kN, kM), std::invalid_argument);
  EXPECT_THROW(confidence(object, 0, kM), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::score
