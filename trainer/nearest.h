#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/dataset/dataset.h"
#include "engine/refine/solver.h"
#include "trainer/evaluate.h"

namespace CLI {
class App;
}

namespace flashphase::trainer {

struct NearestOptions {
  std::string training;      ///< dataset that is searched
  std::string data;          ///< dataset whose patterns are looked for
  std::size_t searched = 0;  ///< only the first so many of `training`; 0 = all
  std::size_t frames = 0;    ///< only the first so many of `data`; 0 = all
  std::string backend = "cpu";
  int threads = 1;
  bool json = false;
  std::string refine{};  ///< schedule that goes on from what is found, "" = none
};

struct Neighbour {
  std::size_t index = 0;   ///< in the searched dataset
  float modulus_chi2 = 1;  ///< over the pixels that the pattern measured, at the best scale
};

/// What the nearest neighbours are worth when only so many patterns are searched.
struct NearestRow {
  std::size_t searched = 0;
  Figure modulus_chi2;
};

struct Nearest {
  std::vector<Neighbour> neighbours;   ///< one for each frame
  std::vector<NearestRow> rows;        ///< of growing size, each half of the next; the last one is all
  double seconds = 0;                  ///< wall clock of the search, reading included
  std::vector<double> refined_chi2{};  ///< of the modulus, for each frame, where they were refined
};

/// The nearest neighbour of each pattern among those of a training set, the baseline of Wu et al. 2021: the
/// pattern b that brings the modulus chi^2 of pattern a lowest,
///   min over s of sum (sqrt a - s sqrt b)^2 / sum a = 1 - (sum sqrt(a b))^2 / (sum a sum b),
/// sums over what a measured; what b did not measure counts as nothing. One matrix product for each block of
/// the training set, whose size bounds the memory. A twin has the same pattern: which of the two is found is
/// open. Throws std::runtime_error when a file does not serve, std::invalid_argument when sizes differ or the
/// schedule is none.
Nearest nearest(const NearestOptions& options);

/// On stdout, as a table or as JSON.
void print(const Nearest& found, bool json);

/// A start of refinement for each frame: the object of its neighbour with its support (refine::starts_from).
/// Throws std::runtime_error where the searched set has no objects.
refine::Starts starts_from_neighbours(const DatasetReader& training, std::span<const Neighbour> neighbours);

/// Adds `nearest --training T --data F [--searched N] [--frames N] [--backend cpu|cuda] [--threads T]
/// [--refine S] [--json]`.
void add_nearest(CLI::App& parent);

}  // namespace flashphase::trainer
