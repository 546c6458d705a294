#include "trainer/training_data.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/dataset/dataset.h"
#include "engine/simulate/particle.h"
#include "engine/simulate/recipe.h"
#include "tests/temporary_folder.h"

namespace flashphase::trainer {
namespace {

constexpr int kCount = 6, kBatch = 8, kN = 16, kM = 32;

struct Batch {
  std::vector<float> features = std::vector<float>(kBatch * kN * kN * infer::kFeatureChannels);
  std::vector<float> modulus = std::vector<float>(kBatch * kM * kM);
  std::vector<std::uint8_t> measured = std::vector<std::uint8_t>(kBatch * kM * kM);
  std::vector<float> truth = std::vector<float>(kBatch * 2 * kN * kN);
  std::vector<float> truth_modulus = std::vector<float>(kBatch * kM * kM);
  BatchView view() {
    return {features.data(), modulus.data(), measured.data(), truth.data(), truth_modulus.data()};
  }
};

class TrainingDataTest : public testing::Test {
 protected:
  std::string write(simulate::Recipe recipe) const {
    recipe.object_size = kN;
    recipe.semi_axis = {2.5f, 5};
    Dataset data;
    data.count = kCount;
    data.pattern_size = kM;
    data.object_size = kN;
    data.patterns.resize(kCount * kM * kM);
    simulate::ParticleSimulator particles(recipe);
    for (int i = 0; i < kCount; ++i) {
      const auto object = particles.object(static_cast<std::uint64_t>(i));
      data.objects.insert(data.objects.end(), object.begin(), object.end());
    }
    data.recipe = simulate::to_yaml(recipe);
    write_dataset(path_, data);
    return path_;
  }
  TemporaryFolder folder_;
  std::string path_ = folder_ / "data.h5";
};

TEST_F(TrainingDataTest, NoiseFreeTruthExplainsTheModulusThatTheNetworkSees) {
  simulate::Recipe recipe = simulate::shipped_recipe("paper");
  recipe.centre_offset = {0, 1};
  recipe.dead_fraction = {0.02f, 0.05f};
  TrainingData data(write(recipe));
  Batch batch;
  data.fill(1, 0, kBatch, batch.view());
  int unmeasured = 0;
  for (std::size_t i = 0; i < batch.modulus.size(); ++i) {
    if (!batch.measured[i]) {
      ++unmeasured;
      continue;
    }
    ASSERT_NEAR(batch.modulus[i], batch.truth_modulus[i], 2e-3 * kM) << i;
  }
  EXPECT_GT(unmeasured, 0);
  double energy = 0;
  for (const float value : batch.truth_modulus) energy += static_cast<double>(value * value);
  EXPECT_GT(energy, 0.9 * kBatch * kM * kM * kN * kN / 4);
}

TEST_F(TrainingDataTest, CountedPhotonsLeaveTheTruthNoiseFree) {
  simulate::Recipe recipe = simulate::shipped_recipe("paper");
  recipe.noise_free_fraction = 0;
  recipe.photons = {1e3f, 1e3f};
  TrainingData data(write(recipe));
  Batch batch;
  data.fill(1, 0, kBatch, batch.view());
  double difference = 0, total = 0;
  for (std::size_t i = 0; i < batch.modulus.size(); ++i) {
    difference += std::pow(static_cast<double>(batch.modulus[i] - batch.truth_modulus[i]), 2);
    total += std::pow(static_cast<double>(batch.truth_modulus[i]), 2);
  }
  EXPECT_GT(difference / total, 1e-3);
  EXPECT_LT(difference / total, 0.5);
}

TEST_F(TrainingDataTest, DependsOnSeedAndStepAlone) {
  TrainingData data(write(simulate::shipped_recipe("training")));
  Batch first, again, later, other;
  data.fill(3, 7 * kBatch, kBatch, first.view());
  data.fill(3, 8 * kBatch, kBatch, later.view());
  data.fill(4, 7 * kBatch, kBatch, other.view());
  data.fill(3, 7 * kBatch, kBatch, again.view());
  EXPECT_EQ(first.features, again.features);
  EXPECT_EQ(first.truth, again.truth);
  EXPECT_NE(first.truth, later.truth);
  EXPECT_NE(first.truth, other.truth);
}

TEST_F(TrainingDataTest, ProcessesShareOutTheSamplesOfOne) {
  TrainingData data(write(simulate::shipped_recipe("training")));
  Batch whole, half;
  data.fill(3, 4 * kBatch, kBatch, whole.view());
  data.fill(3, 4 * kBatch + kBatch / 2, kBatch / 2, half.view());
  const std::size_t cells = kBatch / 2 * kM * kM;
  EXPECT_TRUE(std::equal(half.modulus.begin(), half.modulus.begin() + static_cast<long>(cells),
                         whole.modulus.begin() + static_cast<long>(cells)));
}

/// Whether the objects a and b [2, n, n] are the same, b conjugated if asked.
bool same(const float* a, const float* b, bool conjugated) {
  for (int i = 0; i < 2 * kN * kN; ++i) {
    const float expected = conjugated && i >= kN * kN ? -b[i] : b[i];
    if (std::abs(a[i] - expected) > 1e-3f) return false;
  }
  return true;
}

TEST_F(TrainingDataTest, AugmentsAsAskedAndExposesWhatCameOut) {
  TrainingData data(write(simulate::shipped_recipe("paper")));
  Batch turned, conjugated, plain;
  constexpr std::size_t kCells = 2 * kN * kN;
  data.fill(5, 0, kBatch, turned.view());
  data.set_augment(Augment::kTurnedAndConjugated);
  data.fill(5, 0, kBatch, conjugated.view());
  data.set_augment(Augment::kNone);
  data.fill(5, 0, kBatch, plain.view());
  const auto objects = read_dataset(path_, 0, kCount).objects;
  int flipped = 0, kept = 0, found = 0;
  for (std::size_t i = 0; i < kBatch; ++i) {
    const float* a = conjugated.truth.data() + i * kCells;
    const float* b = turned.truth.data() + i * kCells;
    ASSERT_TRUE(same(a, b, true) || same(a, b, false)) << i;
    (same(a, b, true) ? flipped : kept) += 1;
    // Not turned: one of the objects as it is, but for its scale.
    const float* c = plain.truth.data() + i * kCells;
    for (int k = 0; k < kCount; ++k) {
      std::vector<float> object(kCells);
      double norm = 0, length = 0;
      for (std::size_t j = 0; j < kCells / 2; ++j) {
        object[j] = objects[static_cast<std::size_t>(k) * kCells / 2 + j].real();
        object[j + kCells / 2] = objects[static_cast<std::size_t>(k) * kCells / 2 + j].imag();
      }
      for (std::size_t j = 0; j < kCells; ++j) {
        norm += object[j] * object[j];
        length += c[j] * c[j];
      }
      for (float& value : object) value *= static_cast<float>(std::sqrt(length / norm));
      found += same(c, object.data(), false);
    }
  }
  EXPECT_GT(flipped, 0);
  EXPECT_GT(kept, 0);
  EXPECT_EQ(found, kBatch);
  for (std::size_t i = 0; i < conjugated.modulus.size(); ++i)
    ASSERT_NEAR(conjugated.modulus[i], conjugated.truth_modulus[i], 2e-3 * kM) << i;
  EXPECT_THROW(augment_named("rotations"), std::invalid_argument);
}

TEST_F(TrainingDataTest, IsTheSameOnAnyNumberOfThreads) {
  const std::string path = write(simulate::shipped_recipe("training"));
  TrainingData one(path), three(path, {}, 3);
  Batch first, again;
  one.fill(3, 7 * kBatch, kBatch, first.view());
  three.fill(3, 7 * kBatch, kBatch, again.view());
  EXPECT_EQ(first.features, again.features);
  EXPECT_EQ(first.truth_modulus, again.truth_modulus);
}

TEST_F(TrainingDataTest, SimulatesANewParticleForEachSample) {
  const auto with_size = [&](const char* name, int size) {
    simulate::Recipe recipe = simulate::shipped_recipe("paper");
    recipe.object_size = size;
    recipe.semi_axis = {2.5f, 5};
    recipe.phase_length = {4, 16};
    const std::string path = folder_ / name;
    std::ofstream(path) << simulate::to_yaml(recipe);
    return path;
  };
  const std::string recipe = with_size("recipe.yaml", kN);
  TrainingData data = TrainingData::simulated("", recipe, 2);
  EXPECT_EQ(data.count(), 0u);
  EXPECT_EQ(data.object_size(), kN);
  Batch first, later;
  data.fill(3, 7 * kBatch, kBatch, first.view());
  data.fill(3, 8 * kBatch, kBatch, later.view());
  const std::size_t cells = first.truth.size() / kBatch;
  for (int i = 0; i < kBatch; ++i) {
    const auto same = [&](const Batch& batch, int k) {
      return std::ranges::equal(std::span(first.truth).subspan(cells * i, cells),
                                std::span(batch.truth).subspan(cells * k, cells));
    };
    for (int k = 0; k < kBatch; ++k) {
      EXPECT_FALSE(same(later, k));
      EXPECT_EQ(same(first, k), i == k);
    }
  }
  EXPECT_THROW(TrainingData::simulated(with_size("larger.yaml", 2 * kN), recipe), std::invalid_argument);
}

TEST_F(TrainingDataTest, RefusesADatasetWithoutARecipe) {
  Dataset data = read_dataset(write(simulate::shipped_recipe("paper")));
  data.recipe.clear();
  write_dataset(path_, data);
  EXPECT_THROW(TrainingData{path_}, std::runtime_error);
}

}  // namespace
}  // namespace flashphase::trainer
