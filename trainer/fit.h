#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace flashphase::trainer {

struct FitOptions {
  std::string data;     ///< dataset with objects; "" = a new particle for each pattern, by `objects`
  std::string objects;  ///< recipe, see TrainingData::simulated
  std::string recipe;   ///< how they are exposed, see TrainingData
  std::string output;   ///< model file; the state to resume from lies beside it as OUTPUT.state
  std::string network = "flash";   ///< or "wu2021"
  std::string name;                ///< of the model; "" = the network
  std::uint64_t samples = 400000;  ///< patterns shown in all
  int batch = 64;
  std::optional<double> rate;  ///< highest learning rate; default: that of the network's method, see fit()
  std::optional<double> modulus_weight;  ///< of the modulus in the loss; default: the method's
  std::optional<double> minutes;         ///< train for so long instead of for so many samples
  std::string backend = "cpu";           ///< or "cuda"
  int threads = 1;                       ///< that make the patterns; on the CPU those of the network, too
  bool mixed_precision = false;          ///< convolutions in bfloat16
  bool resume = false;
  std::string from;  ///< model to begin with the weights of, "" = random ones; see fit()
  int checkpoint_seconds = 120;
  std::uint64_t stop_after_steps = 0;  ///< end early, ready to resume; 0 = go to the end
  std::uint64_t seed = 1;
  std::optional<int> channels, physics_layers, physics_channels;  ///< as in FlashOptions or Wu2021Options
  bool overwrite = false;                                         ///< a model that is there already
};

/// Trains a network, each by its own method.
///
/// `flash`: Adam, rate 3e-3 with 500 steps of warm-up, then a cosine to 0. Twin-aware loss: min over {truth,
/// twin} of |p - e^{i theta} g|^2 / |g|^2 with the global phase theta in closed form, plus 3 (modulus_weight)
/// times chi^2 of the modulus against the noise-free one; for the answer of every layer, the last one
/// counting most.
///
/// `wu2021`: SGD, rate 0.01, times 0.95 after each twentieth of the samples (Wu et al. 2021: every 10 of 200
/// epochs). Loss: L(amplitude) + L(phase) + 4 (modulus_weight) times [L(modulus) + 1 - correlation], see
/// wu2021_loss(). The norm of a gradient is limited to 30, which the paper does not say: without a limit the
/// network of full size diverges at this rate.
///
/// With `minutes` the rate follows the time: it ends with it. Two such trainings do not give the same model.
///
/// Writes the model and its state every checkpoint_seconds and at the end; reports rate, loss and time left
/// on stderr. SIGINT and SIGTERM end it after the current step, ready to resume: it then throws
/// std::runtime_error to say so. With `from` the network
/// begins with that model's weights; it may have more physics layers than the model, everything else must
/// agree. Throws std::runtime_error when the work failed, std::invalid_argument for options that do not fit.
void fit(const FitOptions& options);

/// Adds `fit --data F --output M ...`.
void add_fit(CLI::App& parent);

}  // namespace flashphase::trainer
