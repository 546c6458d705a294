#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/infer/network.h"
#include "engine/refine/explain/explain.h"
#include "engine/refine/solver.h"

namespace flashphase::tools {

/// What the user asks of flashphase-reconstruct.
struct ReconstructArguments {
  std::string input, output;
  std::string model, support;
  std::string schedule = "polish";
  std::string from = "automatic", choose = "automatic";
  std::vector<int> frames;
  std::optional<int> starts_given, budget;
  std::uint64_t seed = 1;
  float spread = refine::kSpread;
  int generations = 1;
  float hold_out = 0;
  bool unwrap = false, split_test = false;
  int batch = 16, threads = 0;
  std::string backend = "cpu";
  bool overwrite = false;

  void add_to(CLI::App& app);
  /// Throws std::invalid_argument for what does not fit together.
  void check() const;

  bool random() const { return from == "random" || (from == "automatic" && schedule == "random"); }
  bool cuda() const { return backend == "cuda"; }
  /// Cores to work on, at most those that this process may use; a GPU is kept busy by one.
  int cores() const;
  int starts(const Network* network) const;
  refine::Choosing choosing(int starts) const;
  refine::ExplainOptions explain() const;
};

}  // namespace flashphase::tools
