#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/dataset/dataset.h"
#include "engine/frame/reconstruction.h"
#include "engine/infer/network.h"
#include "engine/refine/solver.h"
#include "engine/score/score.h"
#include "engine/simulate/recipe.h"
#include "trainer/judge.h"

namespace flashphase::trainer::report {

/// What came of a set of patterns.
struct Outcome {
  std::string schedule;
  ObjectBatch objects;  ///< scored
  Samples samples;      ///< where the set has objects
  double seconds = 0;   ///< of CPU, of all threads, per frame: network and refinement
};

/// A model, and what refines its answers on all cores that may be used. Thread: one.
class Subject {
 public:
  /// `iterations`: of a frame by "explain" at most. Throws as make_network.
  explicit Subject(const std::string& model, int iterations = 24000);

  const ModelInfo& info() const { return network_->info(); }

  /// `schedule`: "none" for the network alone; else refined as flashphase-reconstruct does, from 4 starts for
  /// "explain" and 8 else.
  Outcome operator()(const Dataset& data, const std::string& schedule);

 private:
  std::unique_ptr<Network> network_;
  std::unique_ptr<refine::Solver> solver_;
  score::ModulusScorer score_;
};

/// Frames [first, first + count) of a set.
Dataset part_of(const Dataset& data, std::size_t first, std::size_t count);

/// `count` patterns of a recipe with their objects; the same ones for any number of threads. Throws
/// std::invalid_argument for a recipe that does not fit.
Dataset simulated(const simulate::Recipe& recipe, std::size_t count, std::uint64_t seed);

/// CPU seconds of this process so far.
double cpu_seconds();

}  // namespace flashphase::trainer::report
