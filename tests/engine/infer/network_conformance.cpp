#include "tests/engine/infer/network_conformance.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

#include "engine/infer/modules/module_checkpoint.h"
#include "engine/score/score.h"

namespace flashphase::testing_support {
namespace {

constexpr int kM = 64;

/// Random intensities with a beam stop and some dead pixels.
PatternBatch masked_patterns(int count, unsigned seed) {
  std::mt19937 generator(seed);
  std::exponential_distribution<float> exponential(0.02f);
  PatternBatch batch(count, kM);
  for (std::size_t i = 0; i < batch.cells(); ++i) {
    const auto y = static_cast<int>(i / kM % kM), x = static_cast<int>(i % kM);
    batch.measured[i] = std::hypot(y - kM / 2, x - kM / 2) > 2 && i % 97 != 0;
    batch.intensity[i] = batch.measured[i] ? exponential(generator) : 0.0f;
  }
  return batch;
}

ObjectBatch answer(Network& network, const PatternBatch& patterns) {
  ObjectBatch objects;
  network.infer(patterns, objects);
  score::ModulusScorer score(kM);
  for (int i = 0; i < objects.count; ++i)
    if (float& residual = objects.residual[static_cast<std::size_t>(i)]; residual < 0)
      residual = score(patterns.intensity_of(i), patterns.measured_of(i), objects.object_of(i), objects.size);
  return objects;
}

double difference(const ObjectBatch& a, const ObjectBatch& b) {
  double apart = 0, size = 0;
  for (std::size_t i = 0; i < a.object.size(); ++i) {
    apart += static_cast<double>(std::norm(a.object[i] - b.object[i]));
    size += static_cast<double>(std::norm(b.object[i]));
  }
  return apart / size;
}

double disagreeing(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += a[i] != b[i];
  return static_cast<double>(count) / static_cast<double>(a.size());
}

}  // namespace

NetworkConformance::NetworkConformance() {
  infer::Checkpoint checkpoint;
  checkpoint.info.name = "untrained";
  if (GetParam().network == "flash")
    infer::store_module(*infer::make_flash_module({kM, kM / 2, 4, 2, 4}, 5), checkpoint);
  else if (GetParam().network == "wu2021")
    infer::store_module(*infer::make_wu2021_module({kM, kM / 2, 4}, 5), checkpoint);
  else
    throw std::invalid_argument("this suite makes no network " + GetParam().network);
  infer::write_checkpoint(path_, checkpoint);
  reference_ = make_network(path_, {.precision = NetworkOptions::Precision::fp32});
}

void NetworkConformance::SetUp() {
  if (!GetParam().missing.empty()) GTEST_SKIP() << GetParam().missing;
}

TEST_P(NetworkConformance, AnswersAsTheCpuDoesInFloat32WhateverTheBatch) {
  const auto tested = network(8);
  for (const int count : {1, 2, 3, 8, 13, 21}) {
    const PatternBatch patterns = masked_patterns(count, 7);
    const ObjectBatch expected = answer(*reference_, patterns), got = answer(*tested, patterns);
    EXPECT_LE(difference(got, expected), GetParam().tolerance) << "batch of " << count;
    EXPECT_LE(disagreeing(got.support, expected.support), std::sqrt(GetParam().tolerance))
        << "batch of " << count;
    for (std::size_t i = 0; i < got.residual.size(); ++i)
      EXPECT_NEAR(got.residual[i] / expected.residual[i], 1, 3 * std::sqrt(GetParam().tolerance)) << i;
  }
}

TEST_P(NetworkConformance, ItsResidualIsThatOfItsOwnAnswer) {
  const PatternBatch patterns = masked_patterns(3, 8);
  ObjectBatch objects = answer(*network(4), patterns);
  const auto claimed = objects.residual;
  score::ModulusScorer score(kM);
  score(patterns, objects);
  for (std::size_t i = 0; i < claimed.size(); ++i)
    EXPECT_NEAR(claimed[i], objects.residual[i], 1e-4f * objects.residual[i]) << i;
}

TEST_P(NetworkConformance, ItsSupportIsATenthOfTheLargestAmplitude) {
  const ObjectBatch objects = answer(*network(2), masked_patterns(2, 9));
  for (int i = 0; i < objects.count; ++i) {
    float largest = 0;
    for (const auto value : objects.object_of(i)) largest = std::max(largest, std::abs(value));
    for (std::size_t k = 0; k < objects.object_cells(); ++k) {
      const float relative = std::abs(objects.object_of(i)[k]) / largest;
      if (std::abs(relative - 0.1f) > 1e-5f) {
        ASSERT_EQ(objects.support_of(i)[k], relative > 0.1f) << k;
      }
    }
  }
}

TEST_P(NetworkConformance, GivesEachPatternTheSameAnswerAloneAndInABatch) {
  const auto tested = network(8);
  const PatternBatch five = masked_patterns(5, 10);
  const ObjectBatch together = answer(*tested, five);
  for (int i = 0; i < 5; ++i) {
    PatternBatch one(1, kM);
    std::ranges::copy(five.intensity_of(i), one.intensity.begin());
    std::ranges::copy(five.measured_of(i), one.measured.begin());
    ObjectBatch same(1, kM / 2);
    std::ranges::copy(together.object_of(i), same.object.begin());
    EXPECT_LE(difference(answer(*tested, one), same), GetParam().tolerance) << i;
  }
}

TEST_P(NetworkConformance, AnswersTheSameTwice) {
  const auto tested = network(4);
  const PatternBatch patterns = masked_patterns(11, 11);
  EXPECT_EQ(answer(*tested, patterns).object, answer(*tested, patterns).object);
}

TEST_P(NetworkConformance, SeesNothingOfUnmeasuredPixels) {
  const auto tested = network(1);
  PatternBatch patterns = masked_patterns(1, 12);
  const ObjectBatch before = answer(*tested, patterns);
  patterns.intensity[32 * kM + 32] = 1e6f;
  EXPECT_EQ(answer(*tested, patterns).object, before.object);
}

TEST_P(NetworkConformance, GivesAnAllZeroPatternAnAllZeroObject) {
  const auto tested = network(2);
  (void)answer(*tested, masked_patterns(2, 13));
  const ObjectBatch objects = answer(*tested, PatternBatch(2, kM));
  EXPECT_TRUE(std::ranges::all_of(objects.object, [](auto value) { return value == 0.0f; }));
  EXPECT_TRUE(std::ranges::all_of(objects.support, [](auto value) { return value == 0; }));
  EXPECT_EQ(objects.residual, (std::vector<float>{1, 1}));
}

TEST_P(NetworkConformance, ScalesItsAnswerWithThePattern) {
  const auto tested = network(1);
  PatternBatch patterns = masked_patterns(1, 14);
  ObjectBatch dim = answer(*tested, patterns);
  for (float& value : patterns.intensity) value *= 1e6f;
  for (auto& value : dim.object) value *= 1e3f;
  EXPECT_LE(difference(answer(*tested, patterns), dim), GetParam().tolerance);
}

TEST_P(NetworkConformance, RefusesAPatternOfAnotherSizeAndTakesNone) {
  const auto tested = network(1);
  ObjectBatch objects;
  EXPECT_THROW(tested->infer(PatternBatch(1, 32), objects), std::invalid_argument);
  tested->infer(PatternBatch(0, kM), objects);
  EXPECT_EQ(objects.count, 0);
}

}  // namespace flashphase::testing_support
