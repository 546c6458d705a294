#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/device/for_each.h"
#include "engine/refine/loop/iterate.h"
#include "engine/refine/results.h"
#include "engine/refine/solver.h"
#include "engine/refine/starts/average.h"
#include "engine/score/score.h"

namespace flashphase::refine {

/// What solvers do on the host around the schedule, the same for all: the pixels that are held out, and from
/// the results of a frame's starts its share of Refined. For patterns of m x m. Thread: one.
class Conclusion {
 public:
  /// `rescores`: the residuals that come with results are not good enough to go out with them.
  Conclusion(int m, bool rescores) : rescores_(rescores), scorer_(m) {}

  /// `out` in the batch's shape, as for frames without signal: zero objects with residual 1 and the starts'
  /// supports.
  static void begin(const PatternBatch& patterns, const Starts& starts, Refined& out);

  /// The pixels [m, m] that iterations may look at.
  static std::vector<std::uint8_t> seen(const PatternBatch& patterns, const Starts& starts, int frame);

  /// Chooses among the results of a frame's starts (those that came to nothing are zero objects with residual
  /// 1), averages, registers and scores as `starts.choosing` asks, with `each` for what is done to every
  /// result. Writes nothing of `out` but the frame's, so that several may do so at once.
  void operator()(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule, int frame,
                  Results& results, Refined& out, const ForEach& each = in_turn);

 private:
  void settle_average(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule, int frame,
                      const Results& results, Average& average);

  bool rescores_;
  score::ModulusScorer scorer_;
  std::optional<Iterate> iterate_;  ///< where averages are settled
};

}  // namespace flashphase::refine
