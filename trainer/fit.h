#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "trainer/processes.h"

namespace CLI {
class App;
}

namespace flashphase::trainer {

struct FitOptions {
  std::string data;     ///< dataset with objects; "" = a new particle for each pattern, by `objects`
  std::string objects;  ///< recipe, see TrainingData::simulated
  std::string recipe;   ///< how they are exposed, see TrainingData
  std::string output;   ///< model file; beside it OUTPUT.state to resume from and OUTPUT.csv, the curve
  std::string network = "flash";  ///< or "wu2021"
  std::string loss;       ///< wu2021, twin_aware, fourier_pearson or poisson; "" = the network's, see fit()
  std::string optimizer;  ///< adam, adamw or sgd; "" = the network's
  std::string schedule;   ///< of the rate after the warm-up: cosine or steps; "" = the optimizer's
  std::optional<std::uint64_t> warm_up;  ///< steps in which the rate rises; default: 500 for cosine, else 0
  std::optional<double> weight_decay;    ///< of adamw; default: 0.01
  double ema = 0;    ///< decay of the moving average of the weights that the model holds; 0 = no average
  std::string name;  ///< of the model; "" = the network
  std::uint64_t samples = 400000;  ///< patterns shown in all
  int batch = 64;                  ///< of each process
  std::optional<double> rate;  ///< highest learning rate; default: that of the network's method, see fit()
  std::optional<double> modulus_weight;  ///< of the modulus in the loss; default: the method's
  std::optional<double> minutes;         ///< train for so long instead of for so many samples
  std::string backend = "cpu";           ///< or "cuda"
  int threads = 1;                       ///< that make the patterns; on the CPU those of the network, too
  bool mixed_precision = false;          ///< convolutions in bfloat16
  bool resume = false;
  std::string from;  ///< model to begin with the weights of, "" = random ones; see fit()
  int checkpoint_seconds = 120;
  std::uint64_t record_steps = 100;    ///< between two points of the curve
  std::string tensorboard;             ///< folder of event files, "" = none
  std::uint64_t stop_after_steps = 0;  ///< end early, ready to resume; 0 = go to the end
  std::uint64_t seed = 1;
  std::optional<int> channels, physics_layers, physics_channels;  ///< as in FlashOptions or Wu2021Options
  std::string augment = "turns";                                  ///< or none, twins, see Augment
  Place place;             ///< among processes that train together, see fit()
  bool overwrite = false;  ///< a model that is there already
};

/// Trains a network, by what the options leave open each in its own way.
///
/// `flash`: Adam, rate 3e-3 with 500 steps of warm-up, then a cosine to 0, loss `twin_aware`.
///
/// `wu2021`: SGD, rate 0.01, `steps`: times 0.95 after each twentieth of the samples (Wu et al. 2021: every
/// 10 of 200 epochs), loss `wu2021`. The norm of a gradient is limited to 30 (flash: 1), which the paper does
/// not say: without a limit the network of full size diverges at this rate.
///
/// Losses, functions of loss.h; for the answer of every layer, the last one counting most:
/// - `twin_aware`: min over {truth, twin} of |p - e^{i theta} g|^2 / |g|^2 with the global phase theta in
///   closed form, plus 3 (modulus_weight) times chi^2 of the modulus against the noise-free one.
/// - `wu2021`, for that network alone: L(amplitude) + L(phase) + 4 (modulus_weight) times [L(modulus) + 1 -
///   correlation].
/// - `fourier_pearson` and `poisson` look at the measured pixels alone, not at the object.
///
/// With `minutes` the rate follows the time: it ends with it. Two such trainings do not give the same model.
///
/// Processes that train together average their gradients: k of them with batch b train as one with batch k b
/// does, but for rounding, and for wu2021's batch norms, whose statistics are those of each process's own
/// part (rank 0's are written). All options have to be the same, and all read the same files; rank 0 alone
/// writes.
///
/// Writes the model and its state every checkpoint_seconds and at the end; reports rate, losses and time left
/// on stderr every minute and, with `data`, after every pass of its objects. A resumed training gives the
/// same bits as an unbroken one, its curve (see Curve) too. With `ema` the model holds the averaged weights,
/// the state both. Loss, gradient or weights that are not finite end it: what was written before stays, and
/// the std::runtime_error names it. SIGINT and SIGTERM end it after the current step, ready to resume: it
/// then throws std::runtime_error to say so. With `from` the network begins with that model's weights; it may
/// have more physics layers than the model, everything else must agree. Throws std::runtime_error when the
/// work failed, std::invalid_argument for options that do not fit.
void fit(const FitOptions& options);

/// Adds `fit --data F --output M ...`.
void add_fit(CLI::App& parent);

}  // namespace flashphase::trainer
