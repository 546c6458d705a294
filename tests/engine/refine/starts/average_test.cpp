#include "engine/refine/starts/average.h"

#include <gtest/gtest.h>

#include "engine/refine/solver.h"
#include "engine/score/score.h"
#include "tests/engine/refine/particle.h"

namespace flashphase::refine {
namespace {

constexpr int kN = 16;
constexpr int kM = 32;
using Complex = std::complex<float>;

float error_of(std::span<const Complex> object, const Particle& particle) {
  return score::compare(object, particle.object, particle.support, particle.n, score::Translation::sub_pixel)
      .real_space_error;
}

/// Noisy copies of a particle inside its support.
Results noisy_results(const Particle& particle, int count) {
  Results results{ObjectBatch(count, particle.n), std::vector<int>(static_cast<std::size_t>(count)), {}};
  std::mt19937 random(5);
  const auto noise = [&] { return 0.4f * (2 * static_cast<float>(random() % 1000) / 1000 - 1); };
  for (int k = 0; k < count; ++k) {
    for (std::size_t i = 0; i < particle.object.size(); ++i) {
      if (!particle.support[i]) continue;
      results.objects.object_of(k)[i] = particle.object[i] + Complex(noise(), noise());
      results.objects.support_of(k)[i] = 1;
    }
    results.objects.residual[static_cast<std::size_t>(k)] = 0.01f;
  }
  return results;
}

/// Turns result k into its twin, moved by whole pixels and turned by a phase.
void disguise(Results& results, int k, int dy, int dx) {
  const std::vector<Complex> before(results.objects.object_of(k).begin(), results.objects.object_of(k).end());
  const std::vector<std::uint8_t> support(results.objects.support_of(k).begin(),
                                          results.objects.support_of(k).end());
  std::ranges::fill(results.objects.object_of(k), Complex());
  std::ranges::fill(results.objects.support_of(k), std::uint8_t{0});
  for (int y = 1; y < kN; ++y) {
    for (int x = 1; x < kN; ++x) {
      const int v = kN - y + dy, u = kN - x + dx;
      if (v < 0 || v >= kN || u < 0 || u >= kN) continue;
      const auto from = static_cast<std::size_t>(y * kN + x), to = static_cast<std::size_t>(v * kN + u);
      results.objects.object_of(k)[to] = std::polar(1.0f, 0.7f) * std::conj(before[from]);
      results.objects.support_of(k)[to] = support[from];
    }
  }
}

TEST(Average, IsNearerToTheTruthThanAnyOfTheResultsWhereverTheyLie) {
  const Particle particle(kN);
  Results results = noisy_results(particle, 6);
  disguise(results, 1, 1, 0);
  disguise(results, 4, 0, -1);
  const std::vector<int> all{0, 1, 2, 3, 4, 5};
  const Average mean = average(results, all, {});
  for (const int k : all)
    EXPECT_LT(error_of(mean.object, particle), 0.6f * error_of(results.objects.object_of(k), particle)) << k;
}

TEST(Average, HasItsCentroidInTheMiddle) {
  const Particle particle(kN);
  Results results = noisy_results(particle, 2);
  disguise(results, 0, 1, 1);
  disguise(results, 1, 1, 1);
  const std::vector<int> both{0, 1};
  const Average mean = average(results, both, {});
  double sum = 0, y_sum = 0, x_sum = 0;
  for (int i = 0; i < kN * kN; ++i) {
    const auto amplitude = static_cast<double>(std::abs(mean.object[static_cast<std::size_t>(i)]));
    sum += amplitude;
    y_sum += amplitude * (i / kN);
    x_sum += amplitude * (i % kN);
  }
  EXPECT_NEAR(y_sum / sum, kN / 2, 0.25);
  EXPECT_NEAR(x_sum / sum, kN / 2, 0.25);
}

TEST(Average, StaysWhereItIsAndInsideWithAnUpperLimit) {
  const Particle particle(kN);
  Results results = noisy_results(particle, 2);
  disguise(results, 0, 1, 1);
  const std::vector<int> both{0, 1};
  std::vector<std::uint8_t> limit(results.objects.support_of(0).begin(), results.objects.support_of(0).end());
  const Average mean = average(results, both, limit);
  for (std::size_t i = 0; i < limit.size(); ++i) EXPECT_LE(mean.support[i], limit[i]);
  Complex overlap = 0;
  float energy = 0, own = 0;
  for (std::size_t i = 0; i < limit.size(); ++i) {
    overlap += std::conj(mean.object[i]) * results.objects.object_of(0)[i];
    energy += std::norm(mean.object[i]);
    own += std::norm(results.objects.object_of(0)[i]);
  }
  EXPECT_GT(std::abs(overlap) / std::sqrt(energy * own), 0.9f);
}

TEST(Average, LeavesOutResultsThatCameToNothing) {
  const Particle particle(kN);
  Results results = noisy_results(particle, 3);
  std::ranges::fill(results.objects.object_of(0), Complex());
  const std::vector<int> all{0, 1, 2};
  EXPECT_LT(error_of(average(results, all, {}).object, particle), 0.1f);
  std::ranges::fill(results.objects.object, Complex());
  EXPECT_TRUE(average(results, all, {}).object.empty());
}

TEST(Settle, EndsAsSoonAsItFitsAsWellAsTheBestResult) {
  const Particle particle(kN);
  const PatternBatch pattern = particle.pattern(kM);
  Iterate iterate(kM);
  iterate.set_pattern(pattern.intensity, pattern.measured);
  Results results = noisy_results(particle, 4);
  const std::vector<int> all{0, 1, 2, 3};
  const Average mean = average(results, all, {});
  score::ModulusScorer score(kM);
  const auto residual = [&](const Average& image) {
    return score(pattern.intensity, pattern.measured, image.object, kN);
  };
  ASSERT_GT(residual(mean), 0.001f);
  results.objects.residual = {0.5f, 0.001f, 0.3f, 0.2f};
  Average settled = mean, longer = mean, untouched = mean;
  settle(iterate, results, kM * kM, 1000, settled);
  EXPECT_LE(residual(settled), 0.001f);
  EXPECT_GT(residual(settled), 0.0002f);
  for (std::size_t i = 0; i < settled.object.size(); ++i) {
    if (settled.support[i]) continue;
    EXPECT_EQ(settled.object[i], Complex()) << i;
  }
  results.objects.residual[1] = 1e-6f;
  settle(iterate, results, kM * kM, 1000, longer);
  EXPECT_LT(residual(longer), residual(settled));
  settle(iterate, results, kM * kM, 0, untouched);
  EXPECT_LT(error_of(untouched.object, particle), 1.1f * error_of(mean.object, particle) + 1e-4f);
}

TEST(UpperLimit, HoldsSupportsAndResultsInside) {
  const Particle particle(kN);
  const PatternBatch pattern = particle.pattern(kM);
  std::vector<std::uint8_t> limit(kN * kN);
  for (int y = 2; y < kN - 2; ++y)
    for (int x = 3; x < kN - 3; ++x) limit[static_cast<std::size_t>(y * kN + x)] = 1;
  for (const char* schedule :
       {"20*HIO+10*ER+SW(from=0,every=5,threshold=0.01,grow=5)", "20*RAAR+SW(from=0,every=5,area=1)"}) {
    Starts starts = random_starts(pattern, kN, 0, 1, 0.0001f, 8);
    confine(starts, limit);
    add_random_starts(starts, 4, 3);
    starts.choosing.average = Averaging::always;
    Refined refined;
    make_cpu_solver()->solve(pattern, starts, parse_schedule(schedule), refined);
    for (std::size_t i = 0; i < limit.size(); ++i) {
      EXPECT_LE(refined.objects.support[i], limit[i]) << schedule;
      if (!limit[i]) {
        EXPECT_EQ(refined.objects.object[i], Complex()) << schedule;
      }
    }
  }
}

TEST(UpperLimit, ThatLeavesNothingOfASupportReplacesIt) {
  const Particle particle(kN);
  Starts starts = particle.starts();
  std::vector<std::uint8_t> corner(kN * kN);
  corner[0] = 1;
  confine(starts, corner);
  EXPECT_EQ(starts.support, corner);
  EXPECT_THROW(confine(starts, std::vector<std::uint8_t>(3)), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::refine
