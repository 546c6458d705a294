#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "engine/refine/solver.h"
#include "engine/score/metrics.h"
#include "engine/score/score.h"
#include "engine/simulate/particle.h"
#include "engine/simulate/recipe.h"

namespace flashphase::refine {
namespace {

constexpr int kN = 32;
using Object = std::vector<std::complex<float>>;

/// A good start: amplitude off by up to a tenth, phase by four weak plane waves.
Object near(const Object& truth, unsigned seed) {
  std::mt19937 random(seed);
  const auto uniform = [&] { return 2 * static_cast<float>(random() % 10000) / 10000 - 1; };
  Object start = truth;
  std::vector<float> phase(truth.size());
  for (int wave = 0; wave < 4; ++wave) {
    const float height = 0.25f * uniform(), ky = 0.4f * uniform(), kx = 0.4f * uniform(),
                offset = 3 * uniform();
    for (int y = 0; y < kN; ++y) {
      for (int x = 0; x < kN; ++x) {
        phase[static_cast<std::size_t>(y * kN + x)] +=
            height * std::cos(ky * static_cast<float>(y) + kx * static_cast<float>(x) + offset);
      }
    }
  }
  for (std::size_t i = 0; i < start.size(); ++i) start[i] *= std::polar(1 + 0.1f * uniform(), phase[i]);
  return start;
}

struct Outcome {
  float before, after;
};

std::vector<Outcome> refine_simulated(int frames, const char* schedule) {
  simulate::ParticleSimulator simulator(simulate::shipped_recipe("paper"));
  const auto solver = make_cpu_solver();
  const std::vector<std::uint8_t> everywhere(kN * kN, 1);
  std::vector<Outcome> outcomes;
  for (int frame = 0; frame < frames; ++frame) {
    const Object truth = simulator.object(1000 + static_cast<std::uint64_t>(frame));
    ObjectBatch start(1, kN);
    start.object = near(truth, static_cast<unsigned>(frame));
    PatternBatch pattern(1, 2 * kN);
    pattern.intensity = score::diffraction(truth, kN, 2 * kN);
    Refined refined;
    solver->solve(pattern, starts_from(start), parse_schedule(schedule), refined);
    const auto error = [&](const Object& object) {
      return score::compare(object, truth, everywhere, kN).real_space_error;
    };
    outcomes.push_back({error(start.object), error(refined.objects.object)});
  }
  return outcomes;
}

void expect_improvement(std::vector<Outcome> outcomes) {
  const auto worse =
      std::count_if(outcomes.begin(), outcomes.end(), [](auto o) { return o.after > o.before; });
  EXPECT_LE(worse, static_cast<std::ptrdiff_t>(outcomes.size()) / 33);
  const auto median = [&](auto value) {
    const auto middle = outcomes.begin() + static_cast<std::ptrdiff_t>(outcomes.size() / 2);
    std::nth_element(outcomes.begin(), middle, outcomes.end(),
                     [&](auto a, auto b) { return value(a) < value(b); });
    return value(*middle);
  };
  EXPECT_LT(median([](auto o) { return o.after; }), 0.2f * median([](auto o) { return o.before; }));
}

TEST(SmoothEdges, AreKeptByThePresetForGoodStarts) {
  expect_improvement(refine_simulated(200, "polish"));
}

TEST(SmoothEdges, AreKeptByShrinkWrapWithItsDefaults) {
  expect_improvement(refine_simulated(60, "5*(40*HIO+10*ER)+SW(from=50)"));
}

}  // namespace
}  // namespace flashphase::refine
