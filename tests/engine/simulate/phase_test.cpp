#include "engine/simulate/phase.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace flashphase::simulate {
namespace {

constexpr int kSide = 16;

std::size_t voxel(int z, int y, int x) {
  return static_cast<std::size_t>((z * kSide + y) * kSide + x);
}

/// Mean over the volume and many fields of phase(r) * phase(r + d).
std::array<double, 4> correlations(std::array<float, 3> length,
                                   const std::array<std::array<int, 3>, 4>& distances) {
  const int fields = 500;
  PhaseField field(kSide);
  Random random(1, 0);
  std::vector<float> phase(kSide * kSide * kSide);
  std::array<double, 4> mean{};
  for (int k = 0; k < fields; ++k) {
    field.correlated(random, length, phase);
    for (std::size_t i = 0; i < distances.size(); ++i) {
      const auto [dz, dy, dx] = distances[i];
      double sum = 0;
      for (int z = 0; z < kSide - dz; ++z)
        for (int y = 0; y < kSide - dy; ++y)
          for (int x = 0; x < kSide - dx; ++x)
            sum += static_cast<double>(phase[voxel(z, y, x)] * phase[voxel(z + dz, y + dy, x + dx)]);
      mean[i] += sum / ((kSide - dz) * (kSide - dy) * (kSide - dx)) / fields;
    }
  }
  return mean;
}

// The filter exp(-k^2 L^2 / 8) squared is exp(-k^2 L^2 / 4), the transform of exp(-d^2 / L^2).
TEST(CorrelatedPhase, HasTheCorrelationOfItsFilterAlongEachAxis) {
  const std::array<float, 3> length{4, 5, 7};
  const std::array<std::array<int, 3>, 4> distances{{{0, 0, 0}, {3, 0, 0}, {0, 3, 0}, {2, 2, 4}}};
  const auto found = correlations(length, distances);
  for (std::size_t i = 0; i < distances.size(); ++i) {
    double exponent = 0;
    for (std::size_t axis = 0; axis < 3; ++axis)
      exponent += std::pow(static_cast<double>(distances[i][axis]) / static_cast<double>(length[axis]), 2);
    EXPECT_NEAR(found[i], std::exp(-exponent), 0.04) << i;
  }
}

TEST(CorrelatedPhase, HasTheSameSpreadInTheMiddleAndInTheCorner) {
  const int fields = 1500;
  const int n = 8;
  PhaseField field(n);
  Random random(2, 0);
  std::vector<float> phase(n * n * n);
  std::array<double, 3> square{};
  for (int k = 0; k < fields; ++k) {
    field.correlated(random, {4, 4, 4}, phase);
    const std::array<float, 3> here{phase[0], phase[(4 * n + 4) * n + 4], phase[(7 * n + 3) * n]};
    for (std::size_t i = 0; i < 3; ++i) square[i] += static_cast<double>(here[i] * here[i]) / fields;
  }
  for (const double value : square) EXPECT_NEAR(value, 1, 0.15);
}

TEST(RescaledPhase, FillsItsSpanInsideTheParticle) {
  PhaseField field(kSide);
  Random random(3, 0);
  std::vector<float> phase(kSide * kSide * kSide), shape(phase.size(), 0.0f);
  for (int z = 4; z < 12; ++z)
    for (int y = 4; y < 12; ++y)
      for (int x = 4; x < 12; ++x) shape[voxel(z, y, x)] = 1;
  for (const float span : {0.5f, kFullTurn}) {
    field.correlated(random, {8, 8, 8}, phase);
    rescale_phase(shape, span, phase);
    float low = 100, high = -100;
    for (std::size_t i = 0; i < phase.size(); ++i) {
      if (shape[i] == 0) continue;
      low = std::min(low, phase[i]);
      high = std::max(high, phase[i]);
    }
    EXPECT_NEAR(low, -span / 2, 1e-4);
    EXPECT_NEAR(high, span / 2, 1e-4);
  }
}

TEST(RescaledPhase, OfAConstantIsLeftAlone) {
  std::vector<float> phase(8, 0.25f), shape(8, 1.0f);
  rescale_phase(shape, 1.0f, phase);
  for (const float value : phase) EXPECT_EQ(value, 0.25f);
}

TEST(VoronoiPhase, IsConstantInEachDomainAndWithinItsSpan) {
  PhaseField field(kSide);
  Random random(4, 0);
  std::vector<float> phase(kSide * kSide * kSide);
  for (const int domains : {1, 2, 7}) {
    field.voronoi(random, domains, 7, 3.0f, phase);
    const std::set<float> values(phase.begin(), phase.end());
    EXPECT_EQ(static_cast<int>(values.size()), domains);
    EXPECT_GE(*values.begin(), -1.5f);
    EXPECT_LT(*values.rbegin(), 1.5f);
  }
}

// On the line between two voxels of a convex cell there is no voxel of another one.
TEST(VoronoiPhase, DomainsAreConvex) {
  PhaseField field(kSide);
  Random random(5, 0);
  std::vector<float> phase(kSide * kSide * kSide);
  field.voronoi(random, 6, 7, 3.0f, phase);
  const auto coordinate = [&] { return 2 * random.whole({0, kSide / 2 - 1}); };
  int compared = 0;
  for (int k = 0; k < 5000; ++k) {
    const int z0 = coordinate(), y0 = coordinate(), x0 = coordinate(), z1 = coordinate(), y1 = coordinate(),
              x1 = coordinate();
    if (phase[voxel(z0, y0, x0)] != phase[voxel(z1, y1, x1)]) continue;
    EXPECT_EQ(phase[voxel((z0 + z1) / 2, (y0 + y1) / 2, (x0 + x1) / 2)], phase[voxel(z0, y0, x0)]);
    ++compared;
  }
  EXPECT_GT(compared, 300);
}

}  // namespace
}  // namespace flashphase::simulate
