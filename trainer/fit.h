#pragma once

#include <cstdint>
#include <string>

#include "engine/infer/flash_options.h"

namespace CLI {
class App;
}

namespace flashphase::trainer {

struct FitOptions {
  std::string data;    ///< dataset with objects
  std::string recipe;  ///< how they are exposed, see TrainingData
  std::string output;  ///< model file; the state to resume from lies beside it as OUTPUT.state
  std::string name = "flash";
  std::uint64_t samples = 400000;  ///< patterns shown in all
  int batch = 64;
  double rate = 3e-3;  ///< highest learning rate; 500 steps of warm-up, then a cosine to 0
  double modulus_weight =
      3;  ///< of the modulus chi^2 in the loss, beside the object's relative squared error
  int threads = 1;
  bool mixed_precision = false;  ///< convolutions in bfloat16
  bool resume = false;
  int checkpoint_seconds = 120;
  std::uint64_t stop_after_steps = 0;  ///< end early, ready to resume; 0 = go to the end
  std::uint64_t seed = 1;
  infer::FlashOptions network;
};

/// Trains `flash` with Adam on the twin-aware loss: min over {truth, twin} of |p - e^{i theta} g|^2 / |g|^2
/// with the global phase theta in closed form, plus modulus_weight * chi^2 of the modulus against the
/// noise-free one; for the answer of every layer, the last one counting most. Writes the model and its state
/// every checkpoint_seconds and at the end; reports rate, loss and time left on stderr. SIGINT and SIGTERM
/// end it after the current step, ready to resume. Throws std::runtime_error when the work failed,
/// std::invalid_argument for options that do not fit.
void fit(const FitOptions& options);

/// Adds `fit --data F --output M ...`.
void add_fit(CLI::App& parent);

}  // namespace flashphase::trainer
