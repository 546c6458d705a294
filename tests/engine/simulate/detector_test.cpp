#include "engine/simulate/detector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <numeric>
#include <vector>

namespace flashphase::simulate {
namespace {

using Object = std::vector<std::complex<float>>;

constexpr int kObject = 16;
constexpr int kPattern = 2 * kObject;
constexpr std::size_t kCells = kPattern * kPattern;

struct Shot {
  Exposure exposure;
  std::vector<float> intensity = std::vector<float>(kCells);
  std::vector<std::uint8_t> measured = std::vector<std::uint8_t>(kCells);

  double total() const { return std::accumulate(intensity.begin(), intensity.end(), 0.0); }
  std::size_t blocked() const {
    return static_cast<std::size_t>(std::count(measured.begin(), measured.end(), 0));
  }
};

Recipe small_recipe() {
  Recipe recipe;
  recipe.object_size = kObject;
  recipe.semi_axis = {2, 5};
  recipe.edge_sigma = {0.5f, 0.8f};
  return recipe;
}

Shot shoot(DetectorSimulator& detector, const Object& object, std::uint64_t seed) {
  Shot shot;
  shot.exposure = detector.pattern(object, seed, shot.intensity, shot.measured);
  return shot;
}

Shot shoot(const Recipe& recipe, const Object& object, std::uint64_t seed = 1) {
  DetectorSimulator detector(recipe);
  return shoot(detector, object, seed);
}

/// A Gaussian: its pattern is a Gaussian about the zero of Q, far from the frame's edges.
Object gaussian(float sigma = 2.5f) {
  Object object;
  for (int y = 0; y < kObject; ++y)
    for (int x = 0; x < kObject; ++x) {
      const auto r2 =
          static_cast<float>((y - kObject / 2) * (y - kObject / 2) + (x - kObject / 2) * (x - kObject / 2));
      object.emplace_back(std::exp(-r2 / (2 * sigma * sigma)), 0.0f);
    }
  return object;
}

Object lopsided() {
  Random random(99, 0);
  Object object;
  for (int i = 0; i < kObject * kObject; ++i) object.emplace_back(random.uniform(), random.normal());
  return object;
}

struct Peak {
  double y = 0, x = 0;  // centroid from [m/2, m/2]
  double variance_y = 0, variance_x = 0;
};

Peak peak(const std::vector<float>& intensity) {
  Peak found;
  double sum = 0, yy = 0, xx = 0;
  for (int y = 0; y < kPattern; ++y) {
    for (int x = 0; x < kPattern; ++x) {
      const double value = intensity[static_cast<std::size_t>(y * kPattern + x)];
      const double dy = y - kPattern / 2, dx = x - kPattern / 2;
      sum += value, found.y += value * dy, found.x += value * dx;
      yy += value * dy * dy, xx += value * dx * dx;
    }
  }
  found.y /= sum, found.x /= sum;
  found.variance_y = yy / sum - found.y * found.y;
  found.variance_x = xx / sum - found.x * found.x;
  return found;
}

TEST(Detector, PatternIsTheSquaredModulusOfTheTransformWithZeroOfQInTheMiddle) {
  const Object object = lopsided();
  const Shot shot = shoot(small_recipe(), object);
  double sum = 0;
  for (const auto& value : object) sum += std::norm(std::complex<double>(value));
  const double scale = kNoiseFreePhotons / (sum * kCells);  // Parseval
  for (int row = 0; row < kPattern; row += 3) {
    for (int column = 0; column < kPattern; column += 5) {
      std::complex<double> wave = 0;
      for (int y = 0; y < kObject; ++y)
        for (int x = 0; x < kObject; ++x) {
          const int turns = (row - kPattern / 2) * y + (column - kPattern / 2) * x;
          wave += std::complex<double>(object[static_cast<std::size_t>(y * kObject + x)]) *
                  std::polar(1.0, -2 * std::numbers::pi * turns / kPattern);
        }
      const double expected = std::norm(wave) * scale;
      EXPECT_NEAR(shot.intensity[static_cast<std::size_t>(row * kPattern + column)], expected,
                  1e-4 * expected + 2);
    }
  }
  EXPECT_NEAR(shot.total() / kNoiseFreePhotons, 1, 1e-5);
  EXPECT_EQ(shot.blocked(), 0u);
}

TEST(Detector, DependsOnTheSeedAlone) {
  Recipe recipe = shipped_recipe("training");
  recipe.object_size = kObject;
  recipe.semi_axis = {2, 5};
  DetectorSimulator one(recipe), other(recipe);
  const Object object = lopsided();
  const Shot first = shoot(one, object, 5);
  shoot(other, object, 9);
  const Shot again = shoot(other, object, 5);
  EXPECT_EQ(first.intensity, again.intensity);
  EXPECT_EQ(first.measured, again.measured);
  EXPECT_NE(first.intensity, shoot(other, object, 6).intensity);
}

TEST(Detector, CountsPhotonsWithPoissonStatistics) {
  Recipe recipe = small_recipe();
  const Object object = gaussian();
  const Shot expected = shoot(recipe, object);
  recipe.noise_free_fraction = 0;
  recipe.photons = {20000, 20000};
  DetectorSimulator detector(recipe);
  const int shots = 2000;
  std::vector<double> mean(kCells), square(kCells);
  for (int k = 0; k < shots; ++k) {
    const Shot shot = shoot(detector, object, static_cast<std::uint64_t>(k));
    ASSERT_FALSE(shot.exposure.noise_free);
    for (std::size_t i = 0; i < kCells; ++i) {
      const double value = shot.intensity[i];
      ASSERT_EQ(value, std::floor(value));
      mean[i] += value / shots;
      square[i] += value * value / shots;
    }
  }
  int bright = 0;
  for (std::size_t i = 0; i < kCells; ++i) {
    const double rate = static_cast<double>(expected.intensity[i]) * 20000 / kNoiseFreePhotons;
    EXPECT_NEAR(mean[i], rate, 5 * std::sqrt(rate / shots) + 1e-3);
    if (rate < 1) continue;
    EXPECT_NEAR((square[i] - mean[i] * mean[i]) / rate, 1, 0.25);
    ++bright;
  }
  EXPECT_GT(bright, 50);
}

TEST(Detector, DrawsPhotonsAndNoiseFreePatternsInTheirShares) {
  Recipe recipe = small_recipe();
  recipe.noise_free_fraction = 0.25f;
  recipe.photons = {1e3f, 1e5f};
  DetectorSimulator detector(recipe);
  const Object object = gaussian();
  int noise_free = 0, below = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const Shot shot = shoot(detector, object, seed);
    noise_free += shot.exposure.noise_free;
    if (shot.exposure.noise_free) continue;
    below += shot.exposure.photons < 1e4f;
    EXPECT_NEAR(shot.total(), shot.exposure.photons, 6 * std::sqrt(shot.exposure.photons));
  }
  EXPECT_NEAR(noise_free, 500, 100);
  EXPECT_NEAR(below, 750, 120);
}

TEST(Detector, BackgroundIsAddedToEveryPixel) {
  Recipe recipe = small_recipe();
  const Object object = gaussian();
  const Shot clean = shoot(recipe, object);
  recipe.background = {3, 3};
  const Shot shot = shoot(recipe, object);
  for (std::size_t i = 0; i < kCells; ++i)
    EXPECT_NEAR(shot.intensity[i], clean.intensity[i] + 3, 1e-6 * clean.intensity[i] + 1e-3);
}

TEST(Detector, AnObjectOfNothingGivesTheBackgroundAlone) {
  Recipe recipe = small_recipe();
  recipe.background = {2, 2};
  const Shot shot = shoot(recipe, Object(kObject * kObject));
  for (const float pixel : shot.intensity) EXPECT_EQ(pixel, 2);
}

TEST(Detector, BeamStopHidesADiscAboutTheNominalCentre) {
  Recipe recipe = small_recipe();
  recipe.beam_stop = {3, 3};
  recipe.centre_offset = {1, 1};
  const Shot shot = shoot(recipe, gaussian());
  EXPECT_EQ(shot.exposure.beam_stop, 3);
  for (int y = 0; y < kPattern; ++y) {
    for (int x = 0; x < kPattern; ++x) {
      const auto i = static_cast<std::size_t>(y * kPattern + x);
      const int r2 = (y - kPattern / 2) * (y - kPattern / 2) + (x - kPattern / 2) * (x - kPattern / 2);
      EXPECT_EQ(shot.measured[i], r2 >= 9);
      EXPECT_EQ(shot.intensity[i] == 0, r2 < 9);
    }
  }
}

TEST(Detector, BeamStopIsThereInItsShareOfPatterns) {
  Recipe recipe = small_recipe();
  recipe.beam_stop = {2, 4};
  recipe.beam_stop_probability = 0.3f;
  DetectorSimulator detector(recipe);
  int stopped = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const Shot shot = shoot(detector, gaussian(), seed);
    stopped += shot.blocked() > 0;
    EXPECT_EQ(shot.blocked() > 0, shot.exposure.beam_stop > 0);
  }
  EXPECT_NEAR(stopped, 300, 60);
}

TEST(Detector, DeadPixelsAreTheDrawnShareAndReadNothing) {
  Recipe recipe = small_recipe();
  recipe.dead_fraction = {0.1f, 0.1f};
  recipe.background = {1, 1};
  const Shot shot = shoot(recipe, gaussian());
  EXPECT_LE(shot.blocked(), 102u);
  EXPECT_GE(shot.blocked(), 85u);  // some are drawn twice
  for (std::size_t i = 0; i < kCells; ++i) EXPECT_EQ(shot.measured[i] == 0, shot.intensity[i] == 0);
}

TEST(Detector, GapsAreWholeRowsOrColumnsAnywhere) {
  Recipe recipe = small_recipe();
  recipe.gap_probability = 1;
  recipe.gap_width = {3, 3};
  DetectorSimulator detector(recipe);
  int rows = 0, columns = 0;
  std::vector<int> hidden(kPattern);
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Shot shot = shoot(detector, gaussian(), seed);
    ASSERT_EQ(shot.blocked(), 3u * kPattern);
    const auto first =
        static_cast<int>(std::find(shot.measured.begin(), shot.measured.end(), 0) - shot.measured.begin());
    const bool horizontal =
        first % kPattern == 0 && shot.measured[static_cast<std::size_t>(first) + kPattern - 1] == 0;
    (horizontal ? rows : columns) += 1;
    const int position = horizontal ? first / kPattern : first;
    for (int i = 0; i < kPattern; ++i) {
      const int pixel = horizontal ? (position + 1) * kPattern + i : i * kPattern + position + 1;
      ASSERT_EQ(shot.measured[static_cast<std::size_t>(pixel)], 0);
    }
    ++hidden[static_cast<std::size_t>(position)];
  }
  EXPECT_NEAR(rows, columns, 80);
  EXPECT_GT(hidden.front(), 0);
  EXPECT_GT(hidden[kPattern - 3], 0);
}

TEST(Detector, CentreOffsetMovesTheZeroOfQ) {
  Recipe recipe = small_recipe();
  recipe.centre_offset = {0.2f, 1};
  DetectorSimulator detector(recipe);
  bool up = false, down = false, left = false, right = false;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const Shot shot = shoot(detector, gaussian(), seed);
    const Peak found = peak(shot.intensity);
    const double distance = std::hypot(shot.exposure.offset_y, shot.exposure.offset_x);
    EXPECT_GE(distance, 0.199);
    EXPECT_LE(distance, 1.001);
    EXPECT_NEAR(found.y, shot.exposure.offset_y, 0.01);
    EXPECT_NEAR(found.x, shot.exposure.offset_x, 0.01);
    up |= found.y<-0.3, down |= found.y> 0.3, left |= found.x<-0.3, right |= found.x> 0.3;
  }
  EXPECT_TRUE(up && down && left && right);
}

TEST(Detector, TheOffsetObjectHasTheOffsetPattern) {
  Recipe recipe = small_recipe();
  recipe.centre_offset = {0.8f, 0.8f};
  Object object = lopsided();
  const Shot moved = shoot(recipe, object);
  apply_offset(object, kObject, moved.exposure.offset_y, moved.exposure.offset_x);
  recipe.centre_offset = {0, 0};
  const Shot same = shoot(recipe, object);
  const float brightest = *std::max_element(same.intensity.begin(), same.intensity.end());
  for (std::size_t i = 0; i < kCells; ++i)
    EXPECT_NEAR(moved.intensity[i], same.intensity[i], 1e-5 * brightest);
}

TEST(Detector, PartialCoherenceWidensThePatternByItsVariance) {
  Recipe recipe = small_recipe();
  recipe.coherence_blur = {1.2f, 1.2f};
  const Peak sharp = peak(shoot(small_recipe(), gaussian()).intensity);
  const Shot shot = shoot(recipe, gaussian());
  const Peak blurred = peak(shot.intensity);
  EXPECT_NEAR(blurred.variance_y - sharp.variance_y, 1.44, 0.03);
  EXPECT_NEAR(blurred.variance_x - sharp.variance_x, 1.44, 0.03);
  EXPECT_NEAR(shot.total() / kNoiseFreePhotons, 1, 1e-5);
}

TEST(Detector, SaturatedPixelsAreNotMeasured) {
  Recipe recipe = small_recipe();
  const Shot clean = shoot(recipe, gaussian());
  recipe.saturation = 1e6f;
  const Shot shot = shoot(recipe, gaussian());
  EXPECT_GT(shot.blocked(), 5u);
  for (std::size_t i = 0; i < kCells; ++i) {
    EXPECT_EQ(shot.measured[i] == 0, clean.intensity[i] >= 1e6f);
    EXPECT_EQ(shot.intensity[i], shot.measured[i] ? clean.intensity[i] : 0.0f);
  }
}

}  // namespace
}  // namespace flashphase::simulate
