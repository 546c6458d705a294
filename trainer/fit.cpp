#include "trainer/fit.h"

#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <numbers>
#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/infer/flash_checkpoint.h"
#include "engine/infer/flash_module.h"
#include "trainer/loss.h"
#include "trainer/training_data.h"

namespace flashphase::trainer {
namespace {

constexpr std::uint64_t kWarmUpSteps = 500;
constexpr double kGradientLimit = 1.0;  // norm; the loss of one batch is of order 1

volatile std::sig_atomic_t interrupted = 0;

struct Tensors {
  torch::Tensor features, modulus, measured, truth, truth_modulus;

  Tensors(int batch, int m, int n)
      : features(torch::empty({batch, m / 2, m / 2, infer::kFeatureChannels})),
        modulus(torch::empty({batch, m, m})),
        measured(torch::empty({batch, m, m}, torch::kByte)),
        truth(torch::empty({batch, 2, n, n})),
        truth_modulus(torch::empty({batch, m, m})) {}

  BatchView view() const {
    return {features.data_ptr<float>(), modulus.data_ptr<float>(), measured.data_ptr<std::uint8_t>(),
            truth.data_ptr<float>(), truth_modulus.data_ptr<float>()};
  }
  infer::FlashInput input() const { return {features.permute({0, 3, 1, 2}), modulus, measured}; }
};

struct Loss {
  torch::Tensor total;
  double object_error = 0, chi2 = 0;  // of the answer, means over the batch
};

/// The answer of layer i of k counts 2^(i - k + 1): early layers are led, the last one decides.
Loss loss_of(const std::vector<torch::Tensor>& answers, const Tensors& batch, double modulus_weight) {
  Loss loss;
  double weight = std::ldexp(1.0, 1 - static_cast<int>(answers.size()));
  for (const auto& answer : answers) {
    const auto error = twin_aware_error(answer, batch.truth).mean();
    const auto chi2 = infer::modulus_chi2(answer, batch.truth_modulus).mean();
    const auto term = weight * (error + modulus_weight * chi2);
    loss.total = loss.total.defined() ? loss.total + term : term;
    weight *= 2;
    loss.object_error = error.item<double>();
    loss.chi2 = chi2.item<double>();
  }
  return loss;
}

double rate_at(std::uint64_t step, std::uint64_t steps, double highest) {
  if (step < kWarmUpSteps) return highest * static_cast<double>(step + 1) / static_cast<double>(kWarmUpSteps);
  return highest * 0.5 *
         (1 + std::cos(std::numbers::pi * static_cast<double>(step) / static_cast<double>(steps)));
}

/// Everything that training carries from step to step.
class Fit {
 public:
  explicit Fit(const FitOptions& options)
      : options_(options),
        data_(options.data, options.recipe),
        batch_(options.batch, data_.pattern_size(), data_.object_size()),
        steps_(std::max<std::uint64_t>(options.samples / static_cast<std::uint64_t>(options.batch), 1)) {
    at::set_num_threads(options.threads);
    auto sizes = options.network;
    sizes.pattern_size = data_.pattern_size();
    sizes.object_size = data_.object_size();
    module_ = options.resume ? infer::module_from(infer::read_checkpoint(options.output))
                             : infer::make_flash_module(sizes, options.seed);
    module_->mixed_precision = options.mixed_precision;
    for (auto& parameter : module_->parameters())
      if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
    optimizer_ =
        std::make_unique<torch::optim::Adam>(module_->parameters(), torch::optim::AdamOptions(options.rate));
    if (options.resume) load_state();
    std::fprintf(stderr, "fit: %zu objects, %.1f MFLOP a pattern, steps %llu to %llu of %d patterns\n",
                 data_.count(), module_->convolution_flops() * 1e-6, static_cast<unsigned long long>(step_),
                 static_cast<unsigned long long>(steps_), options.batch);
  }

  void run() {
    using Clock = std::chrono::steady_clock;
    const auto started = Clock::now();
    auto saved = started, reported = started;
    const std::uint64_t first = step_;
    std::uint64_t since_report = 0;
    double error_sum = 0, chi2_sum = 0;
    const std::uint64_t last =
        options_.stop_after_steps > 0 ? std::min(steps_, first + options_.stop_after_steps) : steps_;
    while (step_ < last && !interrupted) {
      const Loss loss = one_step();
      error_sum += loss.object_error;
      chi2_sum += loss.chi2;
      ++since_report;
      const auto now = Clock::now();
      if (now - reported > std::chrono::seconds(10) || step_ == steps_) {
        const double elapsed = std::chrono::duration<double>(now - started).count();
        const double per_step = elapsed / static_cast<double>(step_ - first);
        std::fprintf(stderr,
                     "fit: %llu/%llu samples, %.0f/s, object error %.4f, modulus chi2 %.5f, rate %.2e, %.1f "
                     "min left\n",
                     static_cast<unsigned long long>(step_ * static_cast<std::uint64_t>(options_.batch)),
                     static_cast<unsigned long long>(steps_ * static_cast<std::uint64_t>(options_.batch)),
                     options_.batch / per_step, error_sum / static_cast<double>(since_report),
                     chi2_sum / static_cast<double>(since_report), rate_at(step_, steps_, options_.rate),
                     per_step * static_cast<double>(steps_ - step_) / 60);
        reported = now;
        since_report = 0;
        error_sum = chi2_sum = 0;
      }
      if (now - saved > std::chrono::seconds(options_.checkpoint_seconds)) {
        save();
        saved = now;
      }
    }
    save();
  }

 private:
  Loss one_step() {
    data_.fill(options_.seed, step_, options_.batch, batch_.view());
    for (auto& group : optimizer_->param_groups())
      static_cast<torch::optim::AdamOptions&>(group.options()).lr(rate_at(step_, steps_, options_.rate));
    optimizer_->zero_grad();
    Loss loss = loss_of(module_->forward(batch_.input()), batch_, options_.modulus_weight);
    loss.total.backward();
    const double norm = torch::nn::utils::clip_grad_norm_(module_->parameters(), kGradientLimit);
    if (!std::isfinite(norm)) throw std::runtime_error("training diverged; resume with a smaller --rate");
    optimizer_->step();
    ++step_;
    return loss;
  }

  std::string state_path() const { return options_.output + ".state"; }

  void save() {
    infer::Checkpoint checkpoint;
    infer::store_module(*module_, checkpoint);
    const simulate::Recipe& recipe = data_.recipe();
    checkpoint.info.name = options_.name;
    checkpoint.info.domain.photons_min =
        recipe.noise_free_fraction < 1 ? recipe.photons.min : recipe.photons.max;
    checkpoint.info.domain.unmeasured_max = unmeasured_max(recipe);
    checkpoint.info.domain.centre_offset_max = static_cast<float>(data_.pattern_size()) / 8;
    checkpoint.recipe = simulate::to_yaml(recipe);
    checkpoint.training = {{"samples", std::to_string(step_ * static_cast<std::uint64_t>(options_.batch))},
                           {"objects", std::to_string(data_.count())},
                           {"batch", std::to_string(options_.batch)},
                           {"rate", std::to_string(options_.rate)},
                           {"modulus_weight", std::to_string(options_.modulus_weight)},
                           {"seed", std::to_string(options_.seed)}};
    infer::write_checkpoint(options_.output, checkpoint);

    torch::serialize::OutputArchive archive;
    optimizer_->save(archive);
    archive.write("step", torch::tensor(static_cast<std::int64_t>(step_)));
    archive.save_to(state_path() + ".partial");
    std::filesystem::rename(state_path() + ".partial", state_path());
  }

  void load_state() {
    torch::serialize::InputArchive archive;
    try {
      archive.load_from(state_path());
      optimizer_->load(archive);
      torch::Tensor step;
      archive.read("step", step);
      step_ = static_cast<std::uint64_t>(step.item<std::int64_t>());
    } catch (const c10::Error&) {
      throw std::runtime_error(state_path() + " is missing or damaged; without it training cannot resume");
    }
  }

  /// Beam stop, the widest gap and the most dead pixels together.
  float unmeasured_max(const simulate::Recipe& recipe) const {
    const auto m = static_cast<float>(data_.pattern_size());
    const float radius = recipe.beam_stop.max;
    const float gap = recipe.gap_probability > 0 ? recipe.gap_width.max / m : 0;
    return std::min(1.0f, std::numbers::pi_v<float> * (radius + 1) * (radius + 1) / (m * m) + gap +
                              recipe.dead_fraction.max * 1.5f);
  }

  FitOptions options_;
  TrainingData data_;
  Tensors batch_;
  std::uint64_t steps_, step_ = 0;
  std::shared_ptr<infer::FlashModule> module_;
  std::unique_ptr<torch::optim::Adam> optimizer_;
};

}  // namespace

void fit(const FitOptions& options) {
  if (options.batch < 1) throw std::invalid_argument("--batch must be at least 1");
  if (!(options.rate > 0)) throw std::invalid_argument("--rate must be positive");
  const auto stop = [](int) { interrupted = 1; };
  std::signal(SIGINT, stop);
  std::signal(SIGTERM, stop);
  Fit(options).run();
}

void add_fit(CLI::App& parent) {
  auto options = std::make_shared<FitOptions>();
  CLI::App* app = parent.add_subcommand("fit", "Train the network flash on the objects of a dataset");
  app->add_option("--data", options->data, "Dataset with /objects (flashphase-train generate)")->required();
  app->add_option("--recipe", options->recipe,
                  "How they are exposed: paper, training or a YAML file; default: as in the dataset");
  app->add_option("--output", options->output, "Model file to write")->required();
  app->add_option("--name", options->name, "Name the model goes by")->capture_default_str();
  app->add_option("--samples", options->samples, "Patterns to train on in all")->capture_default_str();
  app->add_option("--batch", options->batch, "Patterns a step")->capture_default_str();
  app->add_option("--rate", options->rate, "Highest learning rate")->capture_default_str();
  app->add_option("--modulus-weight", options->modulus_weight, "Weight of the modulus chi^2")
      ->capture_default_str();
  app->add_option("--threads", options->threads, "Threads")->capture_default_str();
  app->add_option("--seed", options->seed, "Seed of weights and samples")->capture_default_str();
  app->add_option("--channels", options->network.channels, "Channels of the first level")
      ->capture_default_str();
  app->add_option("--physics-layers", options->network.physics_layers, "Physics layers")
      ->capture_default_str();
  app->add_option("--physics-channels", options->network.physics_channels, "Their channels")
      ->capture_default_str();
  app->add_flag("--mixed-precision", options->mixed_precision, "Convolutions in bfloat16");
  app->add_option("--stop-after-steps", options->stop_after_steps,
                  "End early, ready to resume; 0 = go to the end")
      ->capture_default_str();
  app->add_option("--checkpoint-seconds", options->checkpoint_seconds, "Time between two saves")
      ->capture_default_str();
  app->add_flag("--resume", options->resume, "Go on from OUTPUT and OUTPUT.state");
  app->callback([options] { fit(*options); });
}

}  // namespace flashphase::trainer
