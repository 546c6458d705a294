#include <gmock/gmock.h>

#include "engine/refine/solver.h"
#include "engine/refine/starts/choose.h"
#include "engine/score/score.h"
#include "tests/engine/refine/particle.h"

namespace flashphase::refine {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr int kN = 16;
constexpr int kM = 32;

Refined solve(const PatternBatch& patterns, const Starts& starts, const char* schedule) {
  Refined refined;
  make_cpu_solver()->solve(patterns, starts, parse_schedule(schedule), refined);
  return refined;
}

float error_of(std::span<const std::complex<float>> object, const Particle& particle) {
  return score::compare(object, particle.object, particle.support, particle.n, score::Translation::sub_pixel)
      .real_space_error;
}

Starts perturbed(const Particle& particle, int per_frame, float spread) {
  Starts starts = particle.starts();
  add_perturbed_starts(starts, per_frame, spread, 3);
  return starts;
}

TEST(ManyStarts, SayNothingAboutConfidenceUnlessAsked) {
  const Particle particle(kN);
  const Refined refined = solve(particle.pattern(kM), perturbed(particle, 3, 1), "10*ER");
  EXPECT_THAT(refined.agreement, IsEmpty());
  EXPECT_THAT(refined.prtf, IsEmpty());
  EXPECT_THAT(refined.free_log_likelihood, IsEmpty());
}

TEST(ManyStarts, AgreeWhereAllFindTheObject) {
  const Particle particle(kN);
  Starts starts = perturbed(particle, 6, 0.8f);
  starts.choosing.confidence = true;
  const Refined good = solve(particle.pattern(kM), starts, "100*HIO+50*ER");
  EXPECT_THAT(good.agreement, SizeIs(1));
  EXPECT_GT(good.agreement[0], 0.99f);
  ASSERT_THAT(good.prtf, SizeIs(kM / 2 + 1));
  EXPECT_GT(good.prtf[2], 0.95f);
  // Too few iterations from random phases: everyone ends somewhere else.
  starts = perturbed(particle, 6, 3.14f);
  starts.choosing.confidence = true;
  const Refined bad = solve(particle.pattern(kM), starts, "ER");
  EXPECT_LT(bad.agreement[0], 0.8f);
  EXPECT_LT(bad.prtf[8], good.prtf[8]);
}

TEST(ManyStarts, ConfidenceDoesNotChangeWhatComesOut) {
  const Particle particle(kN);
  Starts starts = perturbed(particle, 4, 2);
  const Refined plain = solve(particle.pattern(kM), starts, "20*HIO+5*ER");
  starts.choosing.confidence = true;
  EXPECT_EQ(solve(particle.pattern(kM), starts, "20*HIO+5*ER").objects.object, plain.objects.object);
}

TEST(ManyStarts, OfOneHaveNoAgreement) {
  const Particle particle(kN);
  Starts starts = particle.starts();
  starts.choosing.by = Choice::agreement;
  const Refined refined = solve(particle.pattern(kM), starts, "10*ER");
  EXPECT_THAT(refined.agreement, IsEmpty());
  EXPECT_LT(refined.objects.residual[0], 0.1f);
}

/// Results whose objects are copies of one object, except where told.
Results results_of(const Particle& particle, int count) {
  Results results{ObjectBatch(count, particle.n), std::vector<int>(static_cast<std::size_t>(count)), {}};
  for (int k = 0; k < count; ++k) {
    std::copy(particle.object.begin(), particle.object.end(), results.objects.object_of(k).begin());
    results.objects.residual[static_cast<std::size_t>(k)] = 0.01f + 0.001f * static_cast<float>(k);
  }
  return results;
}

TEST(Choose, TakesTheLowestResidual) {
  Results results = results_of(Particle(kN), 4);
  results.objects.residual = {0.3f, 0.1f, 0.2f, 0.1f};
  EXPECT_EQ(choose(results, {}, kM, true).index, 1);
  EXPECT_EQ(lowest_residual(results), 1);
}

TEST(Choose, DoesNotTakeALoneResultForASlightlyLowerResidual) {
  const Particle particle(kN), stranger(kN, 9);
  Results results = results_of(particle, 5);
  for (int k = 1; k < 5; ++k)
    results.objects.object_of(k)[kN * kN / 2 + kN / 2] *= 1 + 0.1f * static_cast<float>(k);
  std::copy(stranger.start.begin(), stranger.start.end(), results.objects.object_of(0).begin());
  ASSERT_EQ(lowest_residual(results), 0);
  EXPECT_NE(choose(results, {.by = Choice::agreement}, kM, true).index, 0);
  // A far lower one is another matter.
  results.objects.residual[0] = 1e-6f;
  EXPECT_EQ(choose(results, {.by = Choice::agreement}, kM, true).index, 0);
}

TEST(Choose, TakesTheBestFreeLogLikelihood) {
  Results results = results_of(Particle(kN), 3);
  results.free_log_likelihood = {-3, -1, -2};
  EXPECT_EQ(choose(results, {.by = Choice::free_log_likelihood}, kM, true).index, 1);
}

TEST(Choose, BreedsEveryStartWithTheChosenOne) {
  const Particle particle(kN), other(kN, 2);
  Results results = results_of(particle, 2);
  // The second is the twin of the first: once aligned they are the same.
  for (int y = 1; y < kN; ++y) {
    for (int x = 1; x < kN; ++x) {
      results.objects.object_of(1)[static_cast<std::size_t>(y * kN + x)] =
          std::conj(particle.object[static_cast<std::size_t>((kN - y) * kN + kN - x)]);
    }
  }
  const auto next = bred(results, 0);
  ASSERT_THAT(next, SizeIs(2 * kN * kN));
  for (std::size_t i = 0; i < particle.object.size(); ++i) {
    EXPECT_EQ(next[i], particle.object[i]);
    EXPECT_NEAR(std::abs(next[kN * kN + i] - particle.object[i]), 0, 1e-4);
  }
}

TEST(Choose, AveragesTheNoiseOfTheBetterHalfAway) {
  const Particle particle(kN);
  Results results = results_of(particle, 8);
  std::mt19937 random(5);
  const auto noise = [&] { return 0.4f * (2 * static_cast<float>(random() % 1000) / 1000 - 1); };
  for (std::size_t i = 0; i < results.objects.object.size(); ++i) {
    if (particle.support[i % (kN * kN)]) results.objects.object[i] += std::complex<float>(noise(), noise());
  }
  // Beyond the better half there is nonsense.
  for (int k = 4; k < 8; ++k) std::ranges::fill(results.objects.object_of(k), std::complex<float>(1));
  const Chosen chosen = choose(results, {.average = Averaging::always}, kM, true);
  for (int k = 0; k < 4; ++k) {
    EXPECT_LT(error_of(chosen.average.object, particle),
              0.5f * error_of(results.objects.object_of(k), particle))
        << k;
  }
  EXPECT_GT(chosen.agreement, 0.8f);
  EXPECT_LT(chosen.agreement, 0.99f);
  // Where there is no noise to average, results that differ so much are not mixed.
  const Choosing automatic{.average = Averaging::automatic};
  EXPECT_FALSE(choose(results, automatic, kM, true).average.object.empty());
  EXPECT_TRUE(choose(results, automatic, kM, false).average.object.empty());
  EXPECT_FALSE(choose(results_of(particle, 8), automatic, kM, false).average.object.empty());
}

TEST(Choose, SeesByPhotonsOrByTheResidualWhatEndsTheFit) {
  const std::vector<std::uint8_t> measured(4, 1);
  const std::vector<float> few{10, 0, 3, 100}, many{1e9f, 5, 2, 1e7f}, fractions{0.5f, 1, 2, 3};
  EXPECT_TRUE(ends_in_noise(few, measured, 0));
  EXPECT_FALSE(ends_in_noise(many, measured, 0.1f));
  EXPECT_TRUE(ends_in_noise(fractions, measured, 0.002f));
  EXPECT_FALSE(ends_in_noise(fractions, measured, 0.0005f));
  EXPECT_TRUE(ends_in_noise(fractions, std::vector<std::uint8_t>{0, 1, 1, 1}, 0));
}

TEST(ManyStarts, AveragedObeyTheSupportAndHaveAResidualOfTheirOwn) {
  const Particle particle(kN);
  const PatternBatch pattern = particle.pattern(kM);
  Starts starts = perturbed(particle, 8, 1);
  starts.choosing.average = Averaging::always;
  const Refined mean = solve(pattern, starts, "20*HIO");
  EXPECT_THAT(mean.agreement, SizeIs(1));
  EXPECT_EQ(mean.objects.residual[0],
            score::ModulusScorer(kM)(pattern.intensity, pattern.measured, mean.objects.object, kN));
  for (std::size_t i = 0; i < particle.support.size(); ++i) {
    if (!mean.objects.support[i]) {
      EXPECT_EQ(mean.objects.object[i], std::complex<float>());
    }
  }
}

TEST(ManyStarts, HoldOutPixelsAndSayHowWellTheyAreForetold) {
  const Particle particle(kN);
  PatternBatch pattern = particle.pattern(kM);
  for (float& value : pattern.intensity) value *= 100;
  Starts starts = perturbed(particle, 3, 0.5f);
  starts.choosing.held_out = 0.05f;
  starts.choosing.by = Choice::free_log_likelihood;
  const Refined good = solve(pattern, starts, "100*HIO+100*ER"), poor = solve(pattern, starts, "ER");
  ASSERT_THAT(good.free_log_likelihood, SizeIs(1));
  EXPECT_LE(good.free_log_likelihood[0], 0);
  EXPECT_GT(good.free_log_likelihood[0], poor.free_log_likelihood[0]);
}

TEST(ManyStarts, AreBredGenerationByGeneration) {
  const Particle particle(kN);
  Starts starts = perturbed(particle, 5, 3.14f);
  const Refined once = solve(particle.pattern(kM), starts, "40*HIO+10*ER");
  starts.choosing.generations = 3;
  const Refined guided = solve(particle.pattern(kM), starts, "40*HIO+10*ER");
  EXPECT_LT(guided.objects.residual[0], once.objects.residual[0]);
  EXPECT_EQ(guided.iterations[0], 50);
}

TEST(ManyStarts, MayBePutWhereTheFirstOneLay) {
  // The start is right but its support allows the twin; far from the start the solver may end at either.
  const Particle particle(kN);
  Starts starts = particle.starts();
  std::fill(starts.support.begin(), starts.support.end(), std::uint8_t{1});
  std::vector<std::complex<float>> twin(starts.object.size());
  for (int y = 1; y < kN; ++y) {
    for (int x = 1; x < kN; ++x) {
      twin[static_cast<std::size_t>(y * kN + x)] =
          std::conj(particle.object[static_cast<std::size_t>((kN - y) * kN + kN - x)]);
    }
  }
  starts.object.insert(starts.object.end(), twin.begin(), twin.end());
  starts.per_frame = 2;
  const auto overlap = [&](const Refined& refined) {
    std::complex<float> sum = 0;
    float energy = 0, own = 0;
    for (std::size_t i = 0; i < particle.object.size(); ++i) {
      sum += std::conj(refined.objects.object[i]) * particle.start[i];
      energy += std::norm(refined.objects.object[i]);
      own += std::norm(particle.start[i]);
    }
    return sum / std::sqrt(energy * own);
  };
  const Refined flipped = solve(particle.pattern(kM), starts, "none");
  ASSERT_LT(std::abs(overlap(flipped)), 0.9f);
  starts.choosing.like_first_start = true;
  const Refined registered = solve(particle.pattern(kM), starts, "none");
  EXPECT_GT(overlap(registered).real(), 0.95f);
  EXPECT_NEAR(registered.objects.residual[0], flipped.objects.residual[0], 1e-6f);
  starts.upper_limit = starts.support;
  EXPECT_GT(overlap(solve(particle.pattern(kM), starts, "none")).real(), 0.95f)
      << "the network's is an extent";
}

}  // namespace
}  // namespace flashphase::refine
