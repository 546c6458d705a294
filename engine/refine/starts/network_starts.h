#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/frame/pattern.h"
#include "engine/frame/reconstruction.h"
#include "engine/infer/network.h"
#include "engine/infer/views.h"
#include "engine/refine/solver.h"
#include "engine/score/autocorrelation.h"

namespace flashphase::refine {

struct NetworkStartsOptions {
  int per_frame = 1;
  float spread = kSpread;  ///< radians by which the phases of copies differ at most
  std::uint64_t seed = 1;  ///< of the copies
};

/// What refinement begins with where a network has answered: its answer, its answers to further views of the
/// pattern (infer::Views), then copies of the first with other phases. Out of two or more comes their
/// average, and whatever comes out lies where the network's answer does (`Starts::choosing`; README.md). It
/// stays inside the extent that the autocorrelation gives the object, about the answer (extent_of()): in a
/// noisy pattern the answer's weak halo is no support. What a frame gets depends on its pattern alone, not on
/// its place in a batch or a file. Thread: the viewer's.
class NetworkStarts {
 public:
  /// `viewer`: a network of the model that answers, or nullptr for no views; has to outlive it.
  NetworkStarts(const NetworkStartsOptions& options, Network* viewer);

  /// `upper_limit`: [B, n, n] 1 = where the object may be, from which nothing is moved then, and what the
  /// answer has outside is cut off; empty = the whole square. Throws std::invalid_argument unless the shapes
  /// agree.
  Starts operator()(const PatternBatch& patterns, const ObjectBatch& answers,
                    std::vector<std::uint8_t> upper_limit = {});

 private:
  void stay_within_extent(const PatternBatch& patterns, const ObjectBatch& answers,
                          std::vector<std::uint8_t>& upper_limit);

  NetworkStartsOptions options_;
  std::optional<score::Autocorrelation> autocorrelation_;
  int views_;  ///< of each pattern
  std::optional<infer::Views> view_;
};

}  // namespace flashphase::refine
