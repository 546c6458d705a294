#include "engine/simulate/shape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace flashphase::simulate {
namespace {

constexpr int kSide = 32;
constexpr Rotation kUpright{1, 0, 0, 0, 1, 0, 0, 0, 1};

std::vector<float> volume_of(const Superellipsoid& shape, const Rotation& rotation = kUpright) {
  std::vector<float> volume(kSide * kSide * kSide);
  ShapeField(kSide).fill(shape, rotation, volume);
  return volume;
}

double sum(const std::vector<float>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

double beta(double p, double q) {
  return std::tgamma(p) * std::tgamma(q) / std::tgamma(p + q);
}

/// Jaklic, Leonardis & Solina 2000, eq. 2.60.
double exact_volume(const Superellipsoid& s) {
  const double e = s.e, n = s.n;
  return 2.0 * s.a * s.b * s.c * e * n * beta(n / 2 + 1, n) * beta(e / 2, e / 2);
}

TEST(Superellipsoid, FillsTheVolumeOfItsFormulaFromBoxToConcaveStar) {
  for (const Superellipsoid& shape :
       {Superellipsoid{9, 9, 9, 1, 1}, Superellipsoid{6, 9, 12, 1, 1}, Superellipsoid{7, 6, 8, 0.2f, 0.2f},
        Superellipsoid{10, 11, 12, 2, 2}, Superellipsoid{8, 9, 7, 0.4f, 1.5f},
        Superellipsoid{12, 12, 12, 2.4f, 1.2f}})
    EXPECT_NEAR(sum(volume_of(shape)) / exact_volume(shape), 1, 0.02) << shape.e << " " << shape.n;
}

TEST(Superellipsoid, KeepsItsVolumeWhenTurned) {
  Random random(1, 0);
  const Superellipsoid shape{6, 8, 10, 0.5f, 0.8f};
  for (int i = 0; i < 10; ++i)
    EXPECT_NEAR(sum(volume_of(shape, random_rotation(random))) / exact_volume(shape), 1, 0.02);
}

TEST(Superellipsoid, SphereProjectsToItsChords) {
  const double radius = 10;
  const auto volume = volume_of({10, 10, 10, 1, 1});
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      double thickness = 0;
      for (int z = 0; z < kSide; ++z)
        thickness += volume[static_cast<std::size_t>((z * kSide + y) * kSide + x)];
      const double distance = std::hypot(y - kSide / 2, x - kSide / 2);
      if (std::abs(distance - radius) <= 1) continue;
      const double chord = distance < radius ? 2 * std::sqrt(radius * radius - distance * distance) : 0;
      EXPECT_NEAR(thickness, chord, 0.25);
    }
  }
}

TEST(Superellipsoid, CircumscribedSphereTouchesTheFarthestPoint) {
  Random random(2, 0);
  for (const Superellipsoid& shape :
       {Superellipsoid{5, 9, 7, 0.3f, 0.5f}, Superellipsoid{5, 9, 7, 1, 1},
        Superellipsoid{8, 6, 7, 2.2f, 0.4f}, Superellipsoid{8, 6, 11, 0.6f, 2.0f}}) {
    double farthest = 0;
    for (int i = 0; i < 40000; ++i) {
      const double x = random.normal(), y = random.normal(), z = random.normal();
      const double in_plane =
          std::pow(std::abs(x / shape.a), 2 / shape.e) + std::pow(std::abs(y / shape.b), 2 / shape.e);
      const double f = std::pow(
          std::pow(in_plane, shape.e / shape.n) + std::pow(std::abs(z / shape.c), 2 / shape.n), shape.n / 2);
      farthest = std::max(farthest, std::sqrt(x * x + y * y + z * z) / f);
    }
    EXPECT_LE(farthest, shape.circumscribed_radius() * 1.0001);
    EXPECT_GE(farthest, shape.circumscribed_radius() * 0.97);
  }
}

TEST(Rotation, IsOrthonormalAndRightHanded) {
  Random random(3, 0);
  for (int k = 0; k < 100; ++k) {
    const Rotation r = random_rotation(random);
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 3; ++j) {
        const float dot = r[3 * i] * r[3 * j] + r[3 * i + 1] * r[3 * j + 1] + r[3 * i + 2] * r[3 * j + 2];
        EXPECT_NEAR(dot, i == j ? 1 : 0, 1e-5);
      }
    const float determinant = r[0] * (r[4] * r[8] - r[5] * r[7]) - r[1] * (r[3] * r[8] - r[5] * r[6]) +
                              r[2] * (r[3] * r[7] - r[4] * r[6]);
    EXPECT_NEAR(determinant, 1, 1e-5);
  }
}

// Under the uniform measure each element has mean 0 and mean square 1/3, and the angle's cosine (trace - 1) /
// 2 mean -1/2.
TEST(Rotation, IsUniform) {
  Random random(4, 0);
  const int count = 20000;
  std::array<double, 9> mean{}, square{};
  double cosine = 0;
  for (int k = 0; k < count; ++k) {
    const Rotation r = random_rotation(random);
    for (std::size_t i = 0; i < 9; ++i) {
      mean[i] += r[i] / count;
      square[i] += r[i] * r[i] / count;
    }
    cosine += (r[0] + r[4] + r[8] - 1) / 2 / count;
  }
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_NEAR(mean[i], 0, 0.02);
    EXPECT_NEAR(square[i], 1.0 / 3, 0.01);
  }
  EXPECT_NEAR(cosine, -0.5, 0.02);
}

TEST(EdgeSmoothing, TurnsAStepIntoTheErrorFunctionAlongEveryAxis) {
  const float sigma = 1.5f;
  const std::array<int, 3> strides{1, kSide, kSide * kSide};
  for (const int stride : strides) {
    std::vector<float> volume(kSide * kSide * kSide);
    for (int i = 0; i < kSide * kSide * kSide; ++i)
      volume[static_cast<std::size_t>(i)] = i / stride % kSide < 16;
    ShapeField(kSide).blur(sigma, volume);
    const int middle = (16 * kSide * kSide + 16 * kSide + 16) - 16 * stride;
    for (int k = 8; k < 24; ++k) {
      const double expected = 0.5 * std::erfc((k - 15.5) / (std::sqrt(2.0) * sigma));
      EXPECT_NEAR(volume[static_cast<std::size_t>(middle + k * stride)], expected, 0.01)
          << stride << " " << k;
    }
  }
}

TEST(EdgeSmoothing, KeepsTheVolume) {
  auto volume = volume_of({7, 8, 9, 0.6f, 1.4f});
  const double before = sum(volume);
  ShapeField(kSide).blur(1.0f, volume);
  EXPECT_NEAR(sum(volume) / before, 1, 1e-4);
}

}  // namespace
}  // namespace flashphase::simulate
