#include "engine/simulate/particle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <stdexcept>
#include <vector>

namespace flashphase::simulate {
namespace {

using Complex = std::complex<double>;

/// exp(-2 pi i k / n) for 0 <= k < n.
std::vector<Complex> roots(int n) {
  std::vector<Complex> table;
  for (int k = 0; k < n; ++k) table.push_back(std::polar(1.0, -2 * std::numbers::pi * k / n));
  return table;
}

TEST(Projection, TransformIsTheCentralSliceOfTheVolumesTransform) {
  const int n = 12;
  Random random(1, 0);
  std::vector<float> shape(n * n * n), phase(n * n * n);
  ShapeField shapes(n);
  shapes.fill({4, 3, 2.5f, 0.7f, 1.3f}, random_rotation(random), shape);
  shapes.blur(0.6f, shape);
  PhaseField(n).correlated(random, {4, 5, 6}, phase);
  rescale_phase(shape, kFullTurn, phase);
  std::vector<std::complex<float>> object(n * n);
  project(shape, phase, n, object);

  const auto root = roots(n);
  double largest = 0;
  for (int ky = 0; ky < n; ++ky) {
    for (int kx = 0; kx < n; ++kx) {
      Complex slice = 0, transform = 0;
      for (int y = 0; y < n; ++y) {
        for (int x = 0; x < n; ++x) {
          const Complex wave = root[static_cast<std::size_t>((ky * y + kx * x) % n)];  // and kz = 0
          for (int z = 0; z < n; ++z) {
            const auto i = static_cast<std::size_t>((z * n + y) * n + x);
            slice += wave * std::polar(static_cast<double>(shape[i]), static_cast<double>(phase[i]));
          }
          transform += wave * Complex(object[static_cast<std::size_t>(y * n + x)]);
        }
      }
      EXPECT_NEAR(std::abs(slice - transform), 0, 2e-4);
      largest = std::max(largest, std::abs(slice));
    }
  }
  EXPECT_GT(largest, 10);
}

struct Extent {
  double largest = 0;
  double border = 0;
  double centroid_y = 0;
  double centroid_x = 0;
};

Extent extent(const std::vector<std::complex<float>>& object, int n) {
  Extent found;
  double sum = 0;
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      const double amplitude = std::abs(Complex(object[static_cast<std::size_t>(y * n + x)]));
      found.largest = std::max(found.largest, amplitude);
      if (y == 0 || x == 0 || y == n - 1 || x == n - 1) found.border = std::max(found.border, amplitude);
      sum += amplitude;
      found.centroid_y += amplitude * (y - n / 2);
      found.centroid_x += amplitude * (x - n / 2);
    }
  }
  found.centroid_y /= sum;
  found.centroid_x /= sum;
  return found;
}

TEST(Particle, IsScaledCentredAndInsideTheBox) {
  for (const Recipe& recipe : {Recipe{}, shipped_recipe("paper"), shipped_recipe("training")}) {
    ParticleSimulator particles(recipe);
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      const Extent found = extent(particles.object(seed), recipe.object_size);
      ASSERT_NEAR(found.largest, 1, 1e-5) << seed;
      EXPECT_LT(found.border, 0.05) << seed;
      EXPECT_LT(std::abs(found.centroid_y), 0.51) << seed;
      EXPECT_LT(std::abs(found.centroid_x), 0.51) << seed;
    }
  }
}

TEST(Particle, DependsOnTheSeedAlone) {
  ParticleSimulator one((Recipe())), other((Recipe()));
  const auto first = one.object(7);
  other.object(3);
  other.object(4);
  EXPECT_EQ(other.object(7), first);
  EXPECT_NE(other.object(8), first);
}

TEST(Particle, KeepsAWeakPhaseWithinItsSpan) {
  for (const float voronoi : {0.0f, 1.0f}) {
    Recipe recipe;
    recipe.phase_span = {0.5f, 0.5f};
    recipe.voronoi_fraction = voronoi;
    ParticleSimulator particles(recipe);
    double widest = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed)
      for (const auto& value : particles.object(seed))
        if (std::abs(value) > 0.1f) widest = std::max(widest, static_cast<double>(std::abs(std::arg(value))));
    EXPECT_LE(widest, 0.2501);
    EXPECT_GE(widest, 0.1);
  }
}

TEST(Particle, WithStrongPhaseUsesTheWholeCircle) {
  ParticleSimulator particles(shipped_recipe("paper"));
  float low = 0, high = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed)
    for (const auto& value : particles.object(seed)) {
      if (std::abs(value) < 0.1f) continue;
      low = std::min(low, std::arg(value));
      high = std::max(high, std::arg(value));
    }
  EXPECT_LT(low, -2.5f);
  EXPECT_GT(high, 2.5f);
}

TEST(Particle, SphereWithoutPhaseIsTheProjectedSphere) {
  Recipe recipe;
  recipe.semi_axis = {10, 10};
  recipe.exponent = {1, 1};
  recipe.edge_sigma = {0.5f, 0.5f};
  recipe.phase_span = {0, 0};
  const auto object = ParticleSimulator(recipe).object(1);
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) {
      const double distance = std::hypot(y - 16, x - 16);
      if (distance > 8.5) continue;
      const auto value = object[static_cast<std::size_t>(y * 32 + x)];
      EXPECT_NEAR(value.real(), std::sqrt(1 - distance * distance / 100), 0.02);
      EXPECT_NEAR(value.imag(), 0, 1e-6);
    }
  }
}

TEST(Particle, CanBeMadeInBoxesOfOtherSizes) {
  for (const int n : {16, 24, 48}) {
    Recipe recipe;
    recipe.object_size = n;
    recipe.semi_axis = {3, static_cast<float>(n) / 3};
    const Extent found = extent(ParticleSimulator(recipe).object(5), n);
    EXPECT_NEAR(found.largest, 1, 1e-5);
    EXPECT_LT(found.border, 0.05);
  }
}

TEST(Particle, RefusesARecipeThatCannotFitTheBox) {
  Recipe recipe;
  recipe.object_size = 16;
  recipe.semi_axis = {9, 13};
  EXPECT_THROW(ParticleSimulator{recipe}, std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::simulate
