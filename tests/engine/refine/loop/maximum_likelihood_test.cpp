#include "engine/refine/loop/maximum_likelihood.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <random>
#include <vector>

#include "engine/refine/loop/iterate.h"
#include "engine/score/align.h"
#include "tests/engine/refine/particle.h"

namespace flashphase::refine {
namespace {

constexpr int kPattern = 32, kObject = 16;
constexpr double kBackground = 0.5;

/// A particle's pattern in counts, with a beam stop, and an Iterate that has it.
class Counts {
 public:
  explicit Counts(double photons, bool stopped = true)
      : pattern(particle.pattern(kPattern)), iterate(kPattern) {
    double sum = 0;
    for (const float value : pattern.intensity) sum += static_cast<double>(value);
    std::mt19937 random(5);
    for (float& value : pattern.intensity)
      value = static_cast<float>(
          std::poisson_distribution<int>(static_cast<double>(value) * photons / sum)(random));
    constexpr auto middle = static_cast<std::size_t>(kPattern / 2 * kPattern + kPattern / 2);
    if (stopped)
      for (const std::size_t at : {middle, middle + 1, middle - kPattern}) pattern.measured[at] = 0;
    iterate.set_pattern(pattern.intensity, pattern.measured);
    iterate.set_start(particle.start, particle.support, kObject);
  }

  std::vector<std::complex<float>> object() const {
    std::vector<std::complex<float>> all;
    for (int y = 0; y < kObject; ++y)
      for (int x = 0; x < kObject; ++x) {
        const int i = y * iterate.stride() + x;
        all.emplace_back(iterate.re()[i], iterate.im()[i]);
      }
    return all;
  }
  /// Minus the log-likelihood of the iterate moved by so much of a way [n, n].
  double cost(const std::vector<std::complex<float>>& object) const {
    std::vector<std::complex<float>> scaled = object;
    for (auto& value : scaled) value *= static_cast<float>(iterate.unit());
    const std::vector<float> expected = score::diffraction(scaled, kObject, kPattern);
    double sum = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (!pattern.measured[i]) continue;
      const double a = static_cast<double>(expected[i]) + kBackground;
      sum += a - static_cast<double>(pattern.intensity[i]) * std::log(a);
    }
    return sum;
  }
  double error() const {
    return static_cast<double>(
        score::align(object(), particle.object, kObject, score::Translation::whole_pixel).real_space_error);
  }
  void climb(int steps, float pull = 0) {
    for (int i = 0; i < steps; ++i) {
      iterate.project();
      iterate.climb(i == 0, pull);
    }
  }

  Particle particle{kObject};
  PatternBatch pattern;
  Iterate iterate;
};

TEST(MaximumLikelihood, EveryStepRaisesTheLikelihoodOfTheCounts) {
  Counts counts(3e4);
  double before = counts.cost(counts.object());
  const double first = before;
  for (int i = 0; i < 15; ++i) {
    counts.iterate.project();
    counts.iterate.climb(i == 0, 0);
    const double after = counts.cost(counts.object());
    EXPECT_LT(after, before) << "step " << i;
    before = after;
  }
  EXPECT_LT(before, first - 1000);
}

TEST(MaximumLikelihood, EndsWhereNoPixelOfTheSupportCanRaiseIt) {
  Counts counts(3e4);
  counts.climb(400);
  const auto best = counts.object();
  const double least = counts.cost(best);
  for (std::size_t i = 0; i < best.size(); i += 7) {
    if (!counts.particle.support[i]) {
      EXPECT_EQ(best[i], std::complex<float>()) << "outside the support";
      continue;
    }
    for (const std::complex<float> way : {std::complex<float>(1), {-1}, {0, 1}, {0, -1}}) {
      auto moved = best;
      moved[i] += 0.02f * std::abs(best[i]) * way;
      EXPECT_GT(counts.cost(moved), least - 0.05) << "pixel " << i;
    }
  }
}

TEST(MaximumLikelihood, IsNearerToTheTruthThanTheStart) {
  Counts counts(1e6);
  const double before = counts.error();
  counts.climb(60);
  EXPECT_LT(counts.error(), 0.2 * before);
}

TEST(MaximumLikelihood, DoesNotLookAtWhatIsNotMeasured) {
  Counts one(3e4), other(3e4);
  for (std::size_t i = 0; i < other.pattern.intensity.size(); ++i)
    if (!other.pattern.measured[i]) other.pattern.intensity[i] = 1e6f;
  other.iterate.set_pattern(other.pattern.intensity, other.pattern.measured);
  other.iterate.set_start(other.particle.start, other.particle.support, kObject);
  one.climb(5);
  other.climb(5);
  EXPECT_EQ(one.object(), other.object());
}

TEST(MaximumLikelihood, StaysAsNearToTheStartAsThatIsTrusted) {
  const auto way_from_start = [](float pull) {
    Counts counts(1e4);
    const auto start = counts.object();
    counts.iterate.keep_start();
    counts.climb(200, pull);
    const auto end = counts.object();
    double way = 0;
    for (std::size_t i = 0; i < start.size(); ++i) way += static_cast<double>(std::norm(end[i] - start[i]));
    return way;
  };
  const double tight = way_from_start(1e-4f), loose = way_from_start(1e-2f), free = way_from_start(0);
  EXPECT_LT(tight, 0.2 * loose);
  EXPECT_LT(loose, 0.9 * free);
}

TEST(MaximumLikelihood, ThePulledEndIsTheMostProbable) {
  Counts counts(1e4);
  const auto start = counts.object();
  constexpr float kPull = 3e-3f;
  counts.iterate.keep_start();
  counts.climb(400, kPull);
  double energy = 0, inside = 0;
  for (std::size_t i = 0; i < start.size(); ++i) {
    energy += static_cast<double>(std::norm(start[i])) * counts.iterate.unit() * counts.iterate.unit();
    inside += counts.particle.support[i];
  }
  // x0 in the phase of the end, which neither term of the posterior knows.
  const auto best = counts.object();
  std::complex<double> along;
  for (std::size_t i = 0; i < start.size(); ++i)
    along += static_cast<std::complex<double>>(std::conj(start[i]) * best[i]);
  const auto phase = static_cast<std::complex<float>>(along / std::abs(along));
  const auto posterior = [&](const std::vector<std::complex<float>>& object) {
    double square = 0;
    for (std::size_t i = 0; i < start.size(); ++i)
      square += static_cast<double>(std::norm(object[i] - phase * start[i])) * counts.iterate.unit() *
                counts.iterate.unit();
    return counts.cost(object) + square * inside / (static_cast<double>(kPull) * energy);
  };
  const double least = posterior(best);
  for (std::size_t i = 0; i < best.size(); i += 5) {
    if (!counts.particle.support[i]) continue;
    for (const std::complex<float> way : {std::complex<float>(1), {-1}, {0, 1}, {0, -1}}) {
      auto moved = best;
      moved[i] += 0.02f * std::abs(best[i]) * way;
      EXPECT_GT(posterior(moved), least - 0.05) << "pixel " << i;
    }
  }
}

TEST(MaximumLikelihood, WhatASolverGivesIsItsLastIterate) {
  const Counts counts(1e4, false);
  Refined short_of, whole;
  const auto solver = make_cpu_solver();
  solver->solve(counts.pattern, counts.particle.starts(), parse_schedule("50*ER"), short_of);
  solver->solve(counts.pattern, counts.particle.starts(), parse_schedule("50*ER+40*ML"), whole);
  Counts again(1e4, false);
  const auto cost = [&](const Refined& refined) {
    std::vector<std::complex<float>> object(refined.objects.object);
    for (auto& value : object) value /= static_cast<float>(again.iterate.unit());
    return again.cost(object);
  };
  EXPECT_LT(cost(whole), cost(short_of) - 1);
  EXPECT_GT(whole.objects.residual[0], 0.9f * short_of.objects.residual[0]) << "or chi^2 would do as well";
}

}  // namespace
}  // namespace flashphase::refine
