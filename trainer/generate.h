#pragma once

#include <cstdint>
#include <string>

namespace CLI {
class App;
}

namespace flashphase::trainer {

struct GenerateOptions {
  std::string output;
  std::string recipe = "paper";  ///< see simulate::load_recipe
  std::size_t count = 10000;
  std::uint64_t seed = 1;
  unsigned threads = 0;    ///< 0 = one per core
  bool overwrite = false;  ///< a file that is there already, and what an unfinished run left
  bool resume = false;     ///< go on with what such a run left, if there is anything
};

/// Writes a dataset of simulated patterns; pattern i depends on recipe, seed and i alone, and the bytes of
/// the file on these and their number, not on the threads or on how often the work was broken off. Until all
/// are made they lie in OUTPUT.pieces, which a stopped or killed run leaves (PieceLog); --resume with a
/// smaller count ends there. Shows its progress on stderr. SIGINT, SIGTERM: std::runtime_error, as when the
/// work failed; std::invalid_argument for a recipe that does not fit or an output that cannot be had.
void generate(const GenerateOptions& options);

/// Adds `generate OUT.h5 [--count N] [--recipe NAME|FILE.yaml] [--seed S] [--threads T] [--resume]`.
void add_generate(CLI::App& parent);

}  // namespace flashphase::trainer
