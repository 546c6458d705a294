#pragma once

#include <cstdint>
#include <string>

#include "engine/simulate/recipe.h"

namespace CLI {
class App;
}

namespace flashphase::trainer {

/// "paper", "training" or the path of a YAML file. Throws std::invalid_argument.
simulate::Recipe load_recipe(const std::string& name);

struct GenerateOptions {
  std::string output;
  std::string recipe = "paper";  ///< "paper", "training" or the path of a YAML file
  std::size_t count = 10000;
  std::uint64_t seed = 1;
  unsigned threads = 0;    ///< 0 = one per core
  bool overwrite = false;  ///< a file that is there already
};

/// Writes a dataset of simulated patterns; pattern i depends on recipe, seed and i alone, not on the threads.
/// Reports progress on stderr. SIGINT and SIGTERM keep what is made: it then throws std::runtime_error to say
/// so, as when the work failed; std::invalid_argument for a recipe that does not fit or an output that cannot
/// be had.
void generate(const GenerateOptions& options);

/// Adds `generate OUT.h5 [--count N] [--recipe FILE.yaml|paper|training] [--seed S] [--threads T]`.
void add_generate(CLI::App& parent);

}  // namespace flashphase::trainer
