#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace CLI {
class App;
}

namespace flashphase::trainer {

struct AdaptOptions {
  std::string model;       ///< parent, a model file
  std::string data;        ///< dataset with measured patterns; no objects are read
  std::string output;      ///< model file to write
  std::string name;        ///< of the model; "" = the parent's with "-adapted"
  std::string recipe;      ///< of the simulated patterns; "" = the one the parent was trained on
  std::size_t frames = 0;  ///< only the first so many; 0 = all
  int steps = 200;
  int batch = 32;                 ///< measured patterns a step, and as many simulated ones
  double rate = 5e-5;             ///< highest learning rate
  double measured_weight = 0.05;  ///< of what measured patterns say, beside the parent's own loss
  double may_forget = 0.1;        ///< share by which the error of simulated patterns may rise
  int hold_out = 5;               ///< every so manyth frame is not trained on and judges
  int threads = 1;
  std::uint64_t seed = 1;
  bool overwrite = false;  ///< a model that is there already
};

/// What the network alone does, before or after.
struct Adaptation {
  double residual = 0;   ///< modulus chi^2, mean over the frames held out
  double excess = 0;     ///< the same less what counting noise leaves, not below 0 in any frame
  double simulated = 0;  ///< real-space error of simulated patterns, mean
};
struct AdaptReport {
  std::size_t trained = 0, held_out = 0;  ///< frames
  std::size_t known = 0;                  ///< frames trained on whose image refinement is sure of
  Adaptation before, after;
};

/// Goes on training a model on measured patterns, of which nobody knows the object. A step sees turned and
/// mirrored measured patterns and as many simulated ones. The loss is that of fit() on the simulated ones,
/// which keeps the network from collapsing and from drifting to a twin, plus measured_weight times, of the
/// measured ones,
///   max(0, chi^2 / N - 1) + 10 twin_aware_error(answer, image) where there is an image,
/// with chi^2 the modulus chi^2 on the measured pixels at the best scale and N what counting noise leaves of
/// the true object (score::noise_residual; an answer below it has nothing to gain: Morozov's discrepancy
/// principle), 1e-5 at least. Images are those that refinement explains (the schedule explain) from starts
/// that agree to 0.95: pseudo-labels (Lee, ICML workshop on challenges in representation learning, 2013).
///
/// Frames held out judge: nothing is written, and std::runtime_error says why, where their mean residual has
/// not fallen, or where simulated patterns have become worse by more than may_forget. Also where the file
/// does not serve; std::invalid_argument for options that do not fit.
AdaptReport adapt(const AdaptOptions& options);

/// Adds `adapt --model M --data F --output M2 ...`.
void add_adapt(CLI::App& parent);

}  // namespace flashphase::trainer
