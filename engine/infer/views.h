#pragma once

#include <complex>
#include <vector>

#include "engine/frame/pattern.h"
#include "engine/frame/reconstruction.h"
#include "engine/infer/network.h"

namespace flashphase::infer {

/// The views of a pattern: as it is, mirrored, transposed, both. The other four symmetries of the square turn
/// Q into -Q on top, where the pattern is the same, and the object its twin.
inline constexpr int kViews = 4;

/// How many of `starts` answers a network can give to one pattern: see Views.
int views_of(const ModelInfo& model, int starts);

/// Further answers of a network to the same patterns, each to another view and turned back. Where the network
/// is sure they agree; where it is not, one of them may be right although the first is wrong (2 000 simulated
/// patterns: engine/refine/README.md).
///
/// Thread: the network's.
class Views {
 public:
  explicit Views(Network& network) : network_(network) {}  ///< has to outlive it

  /// The answers to views 1 .. count - 1 as [B, count - 1, n, n], in one call of the network per view, valid
  /// until the next call. Each lies where it wants and may be the twin (refine::add_registered_starts).
  /// Precondition: 1 <= count <= kViews; as for Network::infer.
  const std::vector<std::complex<float>>& operator()(const PatternBatch& patterns, int count);

 private:
  Network& network_;
  PatternBatch turned_;
  ObjectBatch answers_;
  std::vector<std::complex<float>> objects_;
};

}  // namespace flashphase::infer
