#include "engine/refine/retry/retry.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "engine/refine/starts/extent.h"
#include "engine/refine/starts/taper.h"
#include "engine/score/autocorrelation.h"
#include "engine/score/metrics.h"
#include "engine/score/score.h"
#include "engine/simulate/random.h"

namespace flashphase::refine {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr int kPattern = 64, kObject = 32;

/// A ring of 13 pixels across, brighter on one side.
std::vector<std::complex<float>> ring() {
  std::vector<std::complex<float>> object(kObject * kObject);
  for (int i = 0; i < kObject * kObject; ++i) {
    const auto y = static_cast<float>(i / kObject - kObject / 2);
    const auto x = static_cast<float>(i % kObject - kObject / 2);
    const float radius = std::hypot(x, y);
    if (radius >= 4 && radius < 7)
      object[static_cast<std::size_t>(i)] = std::polar(1 + 0.08f * x + 0.04f * y, 0.05f * x);
  }
  return object;
}

/// A million photons of it behind a beam stop of this radius.
PatternBatch behind_stop(float radius) {
  PatternBatch batch(1, kPattern);
  batch.intensity = score::diffraction(ring(), kObject, kPattern);
  float sum = 0;
  for (const float value : batch.intensity) sum += value;
  simulate::Random random(5, 1);
  for (std::size_t i = 0; i < batch.intensity.size(); ++i) {
    const auto y = static_cast<float>(static_cast<int>(i) / kPattern - kPattern / 2);
    const auto x = static_cast<float>(static_cast<int>(i) % kPattern - kPattern / 2);
    batch.intensity[i] = random.poisson(1e6f / sum * batch.intensity[i]);
    if (std::hypot(x, y) > radius) continue;
    batch.measured[i] = 0;
    batch.intensity[i] = 0;
  }
  return batch;
}

/// Says how far starts agree and what support they have, for each call in turn.
class ScriptedSolver final : public Solver {
 public:
  struct Answer {
    float prtf = 1;
    int support = 10;  ///< pixels
  };
  struct Call {
    int starts = 0;
    float area = 0;  ///< at the end, of the square
  };
  ScriptedSolver(std::vector<Call>& calls, std::vector<Answer> answers)
      : calls_(calls), answers_(std::move(answers)) {}

  void solve(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule,
             Refined& out) override {
    const Answer answer = answers_[std::min(calls_.size(), answers_.size() - 1)];
    calls_.push_back({starts.per_frame, schedule.shrink_wrap ? schedule.shrink_wrap->area_end : 0});
    out = {};
    out.objects = ObjectBatch(patterns.count, starts.size);
    std::ranges::fill(out.objects.residual, 0.0f);
    const auto frames = static_cast<std::size_t>(patterns.count);
    out.iterations.assign(frames, static_cast<int>(calls_.size()));
    out.agreement.assign(frames, answer.prtf);
    out.prtf.assign(frames * (kPattern / 2 + 1), answer.prtf);
    for (int frame = 0; frame < patterns.count; ++frame)
      std::ranges::fill(out.objects.support_of(frame).first(static_cast<std::size_t>(answer.support)), 1);
  }

 private:
  std::vector<Call>& calls_;
  std::vector<Answer> answers_;
};

/// The call whose answer came out.
int chosen(std::vector<ScriptedSolver::Call>& calls, std::vector<ScriptedSolver::Answer> answers,
           const PatternBatch& pattern, const char* schedule = "random") {
  Starts starts = random_starts(pattern, kObject, 30, 1);
  Refined out;
  make_retrying_solver(std::make_unique<ScriptedSolver>(calls, std::move(answers)))
      ->solve(pattern, starts, parse_schedule(schedule), out);
  return out.iterations[0] - 1;
}

TEST(Retry, TriesAreasUntilOneConvincesAndThatFromMoreStarts) {
  std::vector<ScriptedSolver::Call> calls;
  EXPECT_EQ(chosen(calls, {{0.5f}, {0.4f}, {0.96f}, {0.97f}}, behind_stop(6)), 3);
  ASSERT_THAT(calls, SizeIs(4));
  EXPECT_EQ(calls[0].starts, 30);
  EXPECT_EQ(calls[1].starts, 8);
  EXPECT_EQ(calls[3].starts, 24);
  EXPECT_FLOAT_EQ(calls[1].area / calls[2].area, 0.7f);
  EXPECT_EQ(calls[3].area, calls[2].area);
}

TEST(Retry, GivesTheFirstResultWhereNoneIsWorthMore) {
  std::vector<ScriptedSolver::Call> calls;
  EXPECT_EQ(chosen(calls, {{0.5f}, {0.4f}}, behind_stop(6)), 0);
  EXPECT_THAT(calls, SizeIs(6)) << "five areas";
}

TEST(Retry, DoesNotBelieveASupportFarAboveWhatTheAutocorrelationGives) {
  std::vector<ScriptedSolver::Call> calls;
  EXPECT_EQ(chosen(calls, {{0.99f, kObject * kObject}, {0.97f}}, behind_stop(6)), 1);
}

TEST(Retry, LeavesWhatConvincesHasItsCentreOrFollowsAnotherSchedule) {
  for (const auto& [worth, stop, schedule] :
       {std::tuple{0.96f, 6.0f, "random"}, std::tuple{0.5f, -1.0f, "random"},
        std::tuple{0.5f, 6.0f, "paper"}}) {
    std::vector<ScriptedSolver::Call> calls;
    EXPECT_EQ(chosen(calls, {{worth}}, behind_stop(stop), schedule), 0);
    EXPECT_THAT(calls, SizeIs(1)) << schedule;
  }
  std::vector<ScriptedSolver::Call> calls;
  EXPECT_EQ(chosen(calls, {{0.99f, kObject * kObject}, {0.97f}}, behind_stop(-1)), 1) << "no support at all";
}

TEST(Retry, LeavesADarkPatternAlone) {
  std::vector<ScriptedSolver::Call> calls;
  PatternBatch dark = behind_stop(6);
  std::ranges::fill(dark.intensity, 0.0f);
  EXPECT_EQ(chosen(calls, {{0.5f}}, dark), 0);
}

TEST(Retry, FindsARingWhoseFirstMaximumIsHidden) {
  const PatternBatch pattern = behind_stop(6);
  Starts starts = random_starts(pattern, kObject, 8, 1);
  starts.choosing = {.average = Averaging::always, .confidence = true};
  const auto error_of = [&](Solver& solver) {
    Refined out;
    solver.solve(pattern, starts, parse_schedule("random"), out);
    const auto truth = ring();
    return score::align(out.objects.object_of(0), truth, kObject, score::Translation::sub_pixel)
        .real_space_error;
  };
  EXPECT_GT(error_of(*make_cpu_solver()), 0.2f) << "a threshold would do";
  EXPECT_LT(error_of(*make_retrying_solver(make_cpu_solver())), 0.05f);
}

TEST(Taper, LeavesPatternsWithoutAMaskAsTheyAre) {
  const PatternBatch pattern = behind_stop(-1);
  EXPECT_EQ(tapered(pattern.intensity, pattern.measured, kPattern), pattern.intensity);
}

TEST(Taper, RisesWithTheDistanceFromWhatIsNotMeasured) {
  PatternBatch pattern(1, kPattern);
  std::ranges::fill(pattern.intensity, 1.0f);
  pattern.measured[10 * kPattern + 20] = 0;
  const std::vector<float> result = tapered(pattern.intensity, pattern.measured, kPattern);
  const auto at = [&](int y, int x) { return result[static_cast<std::size_t>(y * kPattern + x)]; };
  EXPECT_EQ(at(10, 20), 0);
  EXPECT_FLOAT_EQ(at(13, 24), 1 - std::exp(-25.0f / 72));
  EXPECT_FLOAT_EQ(at(10, 32), 1 - std::exp(-2.0f));
  EXPECT_EQ(at(10, 50), 1);
}

TEST(Taper, LetsTheAutocorrelationTellTheExtentBehindABeamStop) {
  const PatternBatch pattern = behind_stop(6);
  score::Autocorrelation autocorrelation(kPattern);
  const float area =
      extent_of(tapered(pattern.intensity, pattern.measured, kPattern), kObject, autocorrelation).area;
  EXPECT_GT(area, 0.8f * 154);
  EXPECT_LT(area, 2.5f * 154);  // the disc of which it is the rim has 154 pixels
}

}  // namespace
}  // namespace flashphase::refine
