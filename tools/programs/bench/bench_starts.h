#pragma once

#include "engine/refine/schedule.h"

namespace flashphase::tools {

struct StartsProblem {
  int size = 64;  ///< m
  int starts = 48;
  int threads = 1;
  double seconds = 8;  ///< of measurement; at least five rounds
};

struct StartsSpeed {
  double frames_per_second = 0;    ///< of the best round
  double ratio_to_one_thread = 0;  ///< median of the rounds' own: within one both run in turn
  bool same_bytes = false;         ///< all results were those of one thread
};

/// One frame with many starts on several cores of the CPU beside the same on one, averaged as
/// flashphase-reconstruct does.
StartsSpeed bench_starts(const StartsProblem& problem, const refine::Schedule& schedule);

}  // namespace flashphase::tools
