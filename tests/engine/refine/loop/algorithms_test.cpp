#include "engine/refine/loop/algorithms.h"

#include <gmock/gmock.h>

#include "engine/score/score.h"
#include "tests/engine/refine/particle.h"

namespace flashphase::refine {
namespace {

Refined solve(const PatternBatch& patterns, const Starts& starts, const std::string& schedule) {
  Refined refined;
  make_cpu_solver()->solve(patterns, starts, parse_schedule(schedule), refined);
  return refined;
}

float error_of(const Refined& refined, const Particle& particle) {
  return score::compare(refined.objects.object, particle.object, particle.support, particle.n)
      .real_space_error;
}

/// The particle with its phase taken away: a real positive object and a start near it.
Particle without_phase(int n) {
  Particle particle(n);
  for (auto& value : particle.object) value = std::abs(value);
  for (auto& value : particle.start) value = std::abs(value);
  return particle;
}

class AlgorithmNamed : public testing::TestWithParam<const char*> {};

TEST_P(AlgorithmNamed, RecoversTheObjectFromAPerturbedStart) {
  const Particle particle(32);
  const Refined refined =
      solve(particle.pattern(64), particle.starts(), std::string("100*") + GetParam() + "+50*ER");
  EXPECT_LT(refined.objects.residual[0], 1e-4f);
  EXPECT_LT(error_of(refined, particle), 0.01f);
}

INSTANTIATE_TEST_SUITE_P(Complex, AlgorithmNamed,
                         testing::Values("ER", "AER", "HIO", "RAAR", "DM", "DM(beta=1.15)", "RRR(beta=0.5)",
                                         "HPR", "OSS"));

TEST(AcceleratedErrorReduction, FitsBetterThanErrorReductionAfterAsManyIterations) {
  const Particle particle(32);
  const PatternBatch pattern = particle.pattern(64);
  const auto residual = [&](const char* schedule) {
    return solve(pattern, particle.starts(), schedule).objects.residual[0];
  };
  EXPECT_LT(residual("30*AER"), 0.5f * residual("30*ER"));
  EXPECT_LT(residual("100*AER"), residual("100*ER"));
  EXPECT_LT(residual("5*HIO+20*AER"), 0.8f * residual("5*HIO+20*ER"));
}

TEST(AcceleratedErrorReduction, KeepsAnObjectRealAndInsideItsSupport) {
  const Particle particle = without_phase(32);
  const Refined refined = solve(particle.pattern(64), particle.starts(), "10*HIO(real)+30*AER(real)");
  EXPECT_LT(refined.objects.residual[0], 1e-4f);
  for (std::size_t i = 0; i < refined.objects.object.size(); ++i) {
    EXPECT_EQ(refined.objects.object[i].imag(), 0);
    if (!particle.support[i]) {
      EXPECT_EQ(refined.objects.object[i].real(), 0);
    }
  }
}

class PositiveAlgorithm : public testing::TestWithParam<const char*> {};

TEST_P(PositiveAlgorithm, RecoversARealObjectFromAPerturbedStart) {
  const Particle particle = without_phase(32);
  const Refined refined = solve(particle.pattern(64), particle.starts(),
                                std::string("100*") + GetParam() + "+50*ER(real,positive)");
  EXPECT_LT(error_of(refined, particle), 0.005f);
  for (const auto value : refined.objects.object) {
    EXPECT_EQ(value.imag(), 0);
    EXPECT_GE(value.real(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(RealObject, PositiveAlgorithm,
                         testing::Values("HIO(real,positive)", "RAAR(real,positive)", "HPR(real,positive)",
                                         "CHIO", "DM(real,positive)", "RRR(beta=0.5,real,positive)"));

TEST(Algorithms, NarrowTheFilterOfOversamplingSmoothnessInTenStages) {
  EXPECT_EQ(oss_width(0, 100, 64), 64);
  EXPECT_EQ(oss_width(9, 100, 64), 64);
  EXPECT_FLOAT_EQ(oss_width(10, 100, 64), 57.6f);
  EXPECT_FLOAT_EQ(oss_width(99, 100, 64), 6.4f);
  EXPECT_FLOAT_EQ(oss_width(0, 1, 64), 64);
  EXPECT_FLOAT_EQ(oss_width(1'000'000, 1'000'000, 64), 6.4f);
}

TEST(CpuSolver, StopsWhenNothingIsGainedAnyMore) {
  const Particle particle(16);
  const auto iterations = [&](const char* schedule) {
    return solve(particle.pattern(32), particle.starts(), schedule).iterations[0];
  };
  EXPECT_EQ(iterations("2000*ER"), 2000);
  const int stopped = iterations("2000*ER+STOP(after=20,gain=0.5)");
  EXPECT_GE(stopped, 20);
  EXPECT_LT(stopped, 1000);
  EXPECT_LT(iterations("2000*ER+STOP(after=2000,below=1e-3)"), 500);
  EXPECT_EQ(iterations("30*ER+STOP(after=31)"), 30);
}

TEST(CpuSolver, GivesTheSameWithAStopThatIsNotReached) {
  const Particle particle(16);
  const Refined with = solve(particle.pattern(32), particle.starts(), "30*HIO+10*ER+STOP(after=1000)");
  const Refined without = solve(particle.pattern(32), particle.starts(), "30*HIO+10*ER");
  for (std::size_t i = 0; i < particle.object.size(); ++i) {
    EXPECT_LT(std::abs(with.objects.object[i] - without.objects.object[i]), 1e-4f);
  }
}

TEST(CpuSolver, TakesBoundsOnTheModulus) {
  const Particle particle(32);
  PatternBatch pattern = particle.pattern(64);
  for (std::size_t i = 5; i < pattern.measured.size(); i += 9) pattern.measured[i] = 0;
  const Refined refined = solve(pattern, particle.starts(), "100*HIO+50*ER+MOD(bound=3)");
  EXPECT_LT(error_of(refined, particle), 0.01f);
  const Refined loose = solve(pattern, particle.starts(), "20*ER+MOD(confidence=100)");
  EXPECT_GT(loose.objects.residual[0], solve(pattern, particle.starts(), "20*ER").objects.residual[0]);
}

}  // namespace
}  // namespace flashphase::refine
