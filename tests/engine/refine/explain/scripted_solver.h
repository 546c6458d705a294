#pragma once

#include <gtest/gtest.h>

#include <complex>
#include <cstddef>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/refine/explain/explain.h"

namespace flashphase::refine {

inline constexpr int kPattern = 16, kObject = 8;
inline constexpr std::size_t kCells = kObject * kObject;

/// What the solver was asked for one frame, and what it shall say.
struct Call {
  float pattern = 0;  ///< its first pixel, which names the frame
  std::string schedule;
  int starts = 0;
  std::complex<float> start;  ///< its first pixel
};
struct Answer {
  float residual = 1;
  std::complex<float> object = 1;  ///< everywhere
  unsigned grain = 0;              ///< times amplitudes of its own, if not 0
};

/// Answers as it is told and keeps a list.
class ScriptedSolver : public Solver {
 public:
  ScriptedSolver(std::vector<Call>& calls, std::function<Answer(const Call&)> answer)
      : calls_(calls), answer_(std::move(answer)) {}

  void solve(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule,
             Refined& out) override {
    out.objects = ObjectBatch(patterns.count, starts.size);
    out.objects.support = starts.support;
    out.iterations.assign(static_cast<std::size_t>(patterns.count), schedule.iterations());
    for (int i = 0; i < patterns.count; ++i) {
      const Call call{patterns.intensity_of(i)[0], schedule.text, starts.per_frame,
                      starts.object[static_cast<std::size_t>(i * starts.per_frame) * kCells]};
      calls_.push_back(call);
      const Answer answer = answer_(call);
      out.objects.residual[static_cast<std::size_t>(i)] = answer.residual;
      std::mt19937 random(answer.grain);
      for (auto& value : out.objects.object_of(i))
        value = answer.object * (answer.grain == 0 ? 1.0f : static_cast<float>(random() % 1000));
    }
  }

 private:
  std::vector<Call>& calls_;
  std::function<Answer(const Call&)> answer_;
};

class Explain : public testing::Test {
 protected:
  /// Patterns that are not whole numbers; the first pixel of frame i is i + 0.5.
  PatternBatch patterns(int count) const {
    PatternBatch batch(count, kPattern);
    std::ranges::fill(batch.intensity, 1.5f);
    for (int i = 0; i < count; ++i)
      batch.intensity[static_cast<std::size_t>(i) * batch.pattern_cells()] = static_cast<float>(i) + 0.5f;
    return batch;
  }
  /// The k-th start is k + 1 everywhere.
  Starts starts(int frames, int per_frame) const {
    Starts all{
        per_frame, kObject, {}, std::vector<std::uint8_t>(static_cast<std::size_t>(frames) * kCells, 1)};
    for (int i = 0; i < frames; ++i)
      for (int k = 0; k < per_frame; ++k)
        all.object.insert(all.object.end(), kCells, {static_cast<float>(k + 1), 0});
    return all;
  }
  Refined explain(int frames, int per_frame, std::function<Answer(const Call&)> answer,
                  const ExplainOptions& options = {}) {
    Refined out;
    make_explaining_solver(std::make_unique<ScriptedSolver>(calls, std::move(answer)), options)
        ->solve(patterns(frames), starts(frames, per_frame), parse_schedule("explain"), out);
    return out;
  }
  std::vector<std::string> schedules() const {
    std::vector<std::string> all;
    for (const Call& call : calls) all.push_back(call.schedule);
    return all;
  }

  std::vector<Call> calls;
};

inline const std::string kRest = "765*HIO+135*AER";

}  // namespace flashphase::refine
