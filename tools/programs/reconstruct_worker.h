#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/dataset/results_file.h"
#include "engine/frame/reconstruction.h"
#include "engine/infer/network.h"
#include "engine/refine/schedule.h"
#include "engine/refine/solver.h"
#include "engine/score/autocorrelation.h"
#include "engine/score/score.h"
#include "tools/programs/reconstruct_starts.h"

namespace flashphase::tools {

/// What flashphase-reconstruct does to each frame.
struct ReconstructionPlan {
  refine::Schedule schedule;
  refine::NetworkStartsOptions starts;
  refine::Choosing choosing{};
  bool unwrap = false;
  int at_once = 1;  ///< frames that the solver gets in one call
};

/// Reconstructs patterns. What a frame gets does not depend on the frames beside it. Thread: one.
class ReconstructionWorker {
 public:
  /// Is told of frames that are done, none at first, and says whether to go on.
  using GoesOn = std::function<bool(int frames)>;

  /// Without a network the starts are random.
  ReconstructionWorker(const ReconstructionPlan& plan, int pattern_size, std::unique_ptr<Network> network,
                       std::unique_ptr<refine::Solver> solver);

  /// All of the results but `frames`, for the first of the patterns: as many as were done when `goes_on` said
  /// no, or all. `upper_limit` as in StartMaker.
  ReconstructionResults operator()(const PatternBatch& patterns, const std::vector<std::uint8_t>& upper_limit,
                                   const GoesOn& goes_on);

 private:
  /// What the schedule of some frames begins with.
  struct Begun {
    refine::Starts starts;
    ObjectBatch first;  ///< one a frame, scored
  };

  Begun begin(const PatternBatch& patterns, std::vector<std::uint8_t> upper_limit);
  void add(ReconstructionResults& results, const PatternBatch& patterns, Begun begun);
  void add_remarks(ReconstructionResults& results, const PatternBatch& patterns, const ObjectBatch& objects);
  void add_resolution(ReconstructionResults& results, int rings) const;
  void add_unwrapped_phase(ReconstructionResults& results, int size) const;

  refine::Schedule schedule_;
  refine::Choosing choosing_;
  bool unwrap_;
  int at_once_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<refine::Solver> solver_;
  StartMaker make_starts_;
  score::ModulusScorer score_;
  score::Autocorrelation autocorrelation_;
  refine::Refined refined_;
};

}  // namespace flashphase::tools
