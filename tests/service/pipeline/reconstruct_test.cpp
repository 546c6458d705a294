#include "service/pipeline/reconstruct.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace flashphase::service {
namespace {

using Complex = std::complex<float>;
constexpr float kPi = std::numbers::pi_v<float>;

std::shared_ptr<const Pattern> some_pattern() {
  auto pattern = std::make_shared<Pattern>();
  pattern->id.sequence = 4;
  pattern->times[Stage::select] = 0.25f;
  return pattern;
}

TEST(Reconstruct, ScalesTheAmplitudeToOneAndKeepsThePhase) {
  ObjectBatch objects(2, 2);
  const std::vector<Complex> values{{3, 4}, {0, 0}, {0, -2.5f}, {-1, 0}};
  std::ranges::copy(values, objects.object_of(1).begin());
  objects.support_of(1)[0] = 1;
  objects.residual[1] = 0.5f;
  const auto result = make_reconstruction(some_pattern(), objects, 1);
  EXPECT_EQ(result->pattern->id.sequence, 4u);
  EXPECT_EQ(result->size, 2);
  EXPECT_EQ(result->residual, 0.5f);
  EXPECT_EQ(result->times[Stage::select], 0.25f);
  EXPECT_EQ(result->support, (std::vector<std::uint8_t>{1, 0, 0, 0}));
  EXPECT_EQ(result->amplitude, (std::vector<float>{1, 0, 0.5f, 0.2f}));
  EXPECT_NEAR(result->phase[0], std::atan2(4.0f, 3.0f), 1e-6f);
  EXPECT_EQ(result->phase[1], 0);
  EXPECT_NEAR(result->phase[2], -kPi / 2, 1e-6f);
  EXPECT_NEAR(result->phase[3], kPi, 1e-6f);
}

TEST(Reconstruct, FindsThePhaseAllAroundTheCircle) {
  constexpr int kEdge = 64;
  ObjectBatch objects(1, kEdge);
  const auto angle = [](std::size_t i) {
    return (static_cast<double>(i) / (kEdge * kEdge) * 2 - 1) * std::numbers::pi;
  };
  for (std::size_t i = 0; i < objects.object.size(); ++i)
    objects.object[i] = {static_cast<float>(std::cos(angle(i))), static_cast<float>(std::sin(angle(i)))};
  const auto result = make_reconstruction(some_pattern(), objects, 0);
  for (std::size_t i = 1; i < objects.object.size(); ++i) EXPECT_NEAR(result->phase[i], angle(i), 5e-7) << i;
}

TEST(Reconstruct, PutsThePhaseOfANegativeNumberAtPlusPiWhateverTheSignOfZero) {
  ObjectBatch objects(1, 1);
  objects.object[0] = {-1.0f, -0.0f};
  const float phase = make_reconstruction(some_pattern(), objects, 0)->phase[0];
  EXPECT_GT(phase, 0);
  EXPECT_NEAR(phase, kPi, 1e-6f);
}

TEST(Reconstruct, SaysWhatNoiseExplainsOfTheResidual) {
  auto pattern = std::make_shared<Pattern>();
  pattern->noise_residual = 0.25f;
  EXPECT_EQ(make_reconstruction(pattern, ObjectBatch(1, 1), 0)->noise_residual, 0.25f);
}

TEST(Reconstruct, LeavesAnEmptyObjectEmpty) {
  const auto result = make_reconstruction(some_pattern(), ObjectBatch(1, 2), 0);
  EXPECT_EQ(result->amplitude, std::vector<float>(4, 0.0f));
  EXPECT_EQ(result->phase, std::vector<float>(4, 0.0f));
}

}  // namespace
}  // namespace flashphase::service
