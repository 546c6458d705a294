#include "trainer/fit.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <numbers>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/dataset/output.h"
#include "engine/device/stop_signals.h"
#include "engine/frame/frame.h"
#include "engine/infer/modules/module_checkpoint.h"
#include "trainer/batches.h"
#include "trainer/method.h"

namespace flashphase::trainer {
namespace {

/// Everything that training carries from step to step.
class Fit {
 public:
  explicit Fit(const FitOptions& options)
      : options_(options),
        device_(device_of(options.backend)),
        data_(data_of(options)),
        steps_(options.minutes ? std::numeric_limits<std::uint64_t>::max()
                               : std::max<std::uint64_t>(
                                     options.samples / static_cast<std::uint64_t>(options.batch), 1)) {
    at::set_num_threads(device_.is_cpu() ? options.threads : 1);
    module_ = options.resume ? written_module() : first_module();
    module_->mixed_precision = options.mixed_precision;
    module_->to(device_);
    for (auto& parameter : module_->parameters())
      if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
    method_ = method_for(module_, options);
    if (options.resume) load_state();
    std::fprintf(
        stderr, "fit: %s, %.1f MFLOP a pattern, from step %llu %s, %d patterns a step\n",
        data_.count() > 0 ? (std::to_string(data_.count()) + " objects").c_str() : "simulated objects",
        module_->convolution_flops() * 1e-6, static_cast<unsigned long long>(step_),
        options.minutes ? (std::to_string(*options.minutes) + " minutes long").c_str()
                        : ("to " + std::to_string(steps_)).c_str(),
        options.batch);
  }

  void run() {
    started_ = Clock::now();
    auto saved = started_, reported = started_;
    const std::uint64_t first = step_;
    std::uint64_t since_report = 0;
    const std::uint64_t last =
        options_.stop_after_steps > 0 ? std::min(steps_, first + options_.stop_after_steps) : steps_;
    Batches batches(data_, options_.seed, options_.batch, device_);
    torch::Tensor error_sum = zero(), chi2_sum = zero(), norm_sum = zero();
    while (step_ < last && progress() < 1 && !stop_requested()) {
      const auto [loss, norm] = one_step(batches);
      error_sum += loss.object_error;
      chi2_sum += loss.chi2;
      norm_sum += norm;
      ++since_report;
      if (step_ % kReadEvery != 0 && step_ < last) continue;
      if (!std::isfinite(norm_sum.item<double>()))
        throw std::runtime_error("training diverged; resume with a smaller --rate");
      norm_sum.zero_();
      const auto now = Clock::now();
      if (now - reported > std::chrono::seconds(10) || step_ == last || progress() >= 1) {
        report(step_ - first, error_sum.item<double>() / static_cast<double>(since_report),
               chi2_sum.item<double>() / static_cast<double>(since_report));
        reported = now;
        since_report = 0;
        error_sum.zero_();
        chi2_sum.zero_();
      }
      if (now - saved > std::chrono::seconds(options_.checkpoint_seconds)) {
        save();
        saved = now;
      }
    }
    if (!std::isfinite(norm_sum.item<double>()))
      throw std::runtime_error("training diverged; resume with a smaller --rate");
    save();
    if (stop_requested() && step_ < last && progress() < 1)
      throw std::runtime_error("stopped at step " + std::to_string(step_) +
                               (options_.minutes ? "" : " of " + std::to_string(steps_)) + "; " +
                               options_.output + " holds it, and --resume goes on");
  }

 private:
  /// Steps between two looks at the device.
  static constexpr std::uint64_t kReadEvery = Batches::kSlots / 2;

  static TrainingData data_of(const FitOptions& options) {
    return options.data.empty() ? TrainingData::simulated(options.objects, options.recipe, options.threads)
                                : TrainingData(options.data, options.recipe, options.threads);
  }

  torch::Tensor zero() const { return torch::zeros({}, torch::TensorOptions().device(device_)); }

  double progress() const {
    if (!options_.minutes) return static_cast<double>(step_) / static_cast<double>(steps_);
    return seconds_between<double>(started_, Clock::now()) / (60 * *options_.minutes);
  }

  std::pair<BatchLoss, torch::Tensor> one_step(Batches& batches) {
    const TrainingBatch batch = batches.get(step_);
    for (auto& group : method_.optimizer->param_groups())
      group.options().set_lr(method_.rate_at(step_, progress()));
    method_.optimizer->zero_grad();
    BatchLoss loss = method_.loss(batch);
    loss.total.backward();
    const torch::Tensor norm = limit_gradients(module_->parameters(), method_.gradient_limit);
    method_.optimizer->step();
    ++step_;
    return {loss, norm};
  }

  void report(std::uint64_t steps, double error, double chi2) const {
    const double elapsed = seconds_between<double>(started_, Clock::now());
    const double left = options_.minutes
                            ? std::max(0.0, *options_.minutes - elapsed / 60)
                            : elapsed / static_cast<double>(steps) * static_cast<double>(steps_ - step_) / 60;
    std::fprintf(
        stderr, "fit: %llu samples, %.0f/s, object error %.4f, modulus chi2 %.5f, rate %.2e, %.1f min left\n",
        static_cast<unsigned long long>(step_ * static_cast<std::uint64_t>(options_.batch)),
        static_cast<double>(steps) * options_.batch / elapsed, error, chi2,
        method_.rate_at(step_, progress()), left);
  }

  std::shared_ptr<infer::NetworkModule> written_module() {
    const infer::Checkpoint written = infer::read_checkpoint(options_.output);
    if (written.network != options_.network)
      throw std::invalid_argument(options_.output + " is a network " + written.network + ", not " +
                                  options_.network + "; resume with its --network");
    if (const auto from = written.training.find("from"); from != written.training.end())
      ancestor_ = from->second;
    return infer::module_from(written);
  }

  std::shared_ptr<infer::NetworkModule> first_module() {
    auto module = new_module(options_, data_.pattern_size(), data_.object_size());
    if (options_.from.empty()) return module;
    const infer::Checkpoint start = infer::read_checkpoint(options_.from);
    begin_with(start, *module);
    ancestor_ = start.info.hash;
    return module;
  }

  /// Copies the weights; physics layers that the model lacks keep their own.
  void begin_with(const infer::Checkpoint& model, infer::NetworkModule& module) const {
    const auto sizes = module.sizes();
    const bool fits =
        model.network == module.kind() && model.info.pattern_size == module.pattern_size() &&
        std::ranges::all_of(sizes, [&](const auto& size) {
          const auto has = model.sizes.find(size.first);
          return has != model.sizes.end() &&
                 (size.first == "physics_layers" ? has->second <= size.second : has->second == size.second);
        });
    if (!fits) {
      std::string has = model.network + " of patterns of " + std::to_string(model.info.pattern_size);
      for (const auto& [name, size] : model.sizes) has += ", " + name + " " + std::to_string(size);
      throw std::invalid_argument("--from " + options_.from + " is a " + has +
                                  "; the network to train may differ only in having more physics layers");
    }
    torch::NoGradGuard no_gradient;
    const auto from = infer::module_from(model)->state();
    for (auto& item : module.state())
      if (const torch::Tensor* part = from.find(item.key())) item.value().copy_(*part);
  }

  std::string state_path() const { return options_.output + ".state"; }

  void save() {
    infer::Checkpoint checkpoint;
    infer::store_module(*module_, checkpoint);
    const simulate::Recipe& recipe = data_.recipe();
    checkpoint.info.name = options_.name.empty() ? options_.network : options_.name;
    checkpoint.info.domain.photons_min =
        recipe.noise_free_fraction < 1 ? recipe.photons.min : recipe.photons.max;
    checkpoint.info.domain.unmeasured_max = unmeasured_max(recipe);
    checkpoint.info.domain.centre_offset_max = static_cast<float>(data_.pattern_size()) / 8;
    checkpoint.recipe = simulate::to_yaml(recipe);
    checkpoint.training = {{"samples", std::to_string(step_ * static_cast<std::uint64_t>(options_.batch))},
                           {"objects", data_.count() > 0 ? std::to_string(data_.count()) : "simulated"},
                           {"batch", std::to_string(options_.batch)},
                           {"rate", std::to_string(method_.rate)},
                           {"modulus_weight", std::to_string(method_.modulus_weight)},
                           {"seed", std::to_string(options_.seed)}};
    if (!ancestor_.empty()) checkpoint.training["from"] = ancestor_;
    infer::write_checkpoint(options_.output, checkpoint);

    torch::serialize::OutputArchive archive;
    method_.optimizer->save(archive);
    archive.write("step", torch::tensor(static_cast<std::int64_t>(step_)));
    std::ostringstream bytes;
    archive.save_to(bytes);
    write_whole(state_path(), bytes.view());
  }

  void load_state() {
    torch::serialize::InputArchive archive;
    try {
      archive.load_from(state_path(), device_);
      method_.optimizer->load(archive);
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
  torch::Device device_;
  TrainingData data_;
  std::uint64_t steps_, step_ = 0;
  Clock::time_point started_;
  std::string ancestor_;  // hash of the model whose weights training began with
  std::shared_ptr<infer::NetworkModule> module_;
  Method method_;
};

}  // namespace

void fit(const FitOptions& options) {
  if (options.batch < 1) throw std::invalid_argument("--batch must be at least 1");
  if (options.threads < 1) throw std::invalid_argument("--threads must be at least 1");
  if (options.minutes && !(*options.minutes > 0)) throw std::invalid_argument("--minutes must be positive");
  if (options.data.empty() && options.recipe.empty())
    throw std::invalid_argument(
        "without --data particles are simulated: --recipe must say how they are exposed");
  if (!options.data.empty() && !options.objects.empty())
    throw std::invalid_argument("--objects is the recipe of simulated particles; leave it out with --data");
  if (options.rate && !(*options.rate > 0)) throw std::invalid_argument("--rate must be positive");
  const bool in_place = options.resume || options.overwrite;
  check_output(options.output, in_place, {options.data, options.objects, options.recipe, options.from});
  check_output(options.output + ".state", in_place);
  stop_on_signals();
  Fit(options).run();
}

void add_fit(CLI::App& parent) {
  auto options = std::make_shared<FitOptions>();
  CLI::App* app = parent.add_subcommand("fit", "Train a network on the objects of a dataset");
  app->add_option("--data", options->data,
                  "Dataset with /objects (flashphase-train generate); default: a new particle is simulated "
                  "for each pattern");
  app->add_option("--objects", options->objects,
                  "Recipe of those particles, named as --recipe; default: the same");
  app->add_option(
      "--recipe", options->recipe,
      "How they are exposed: paper, training, xfel, bcdi or a YAML file; default: as in the dataset");
  app->add_option("--output", options->output, "Model file to write")->required();
  app->add_option("--network", options->network, "flash, or wu2021: that of Wu et al. 2021, by their recipe")
      ->check(CLI::IsMember({"flash", "wu2021"}))
      ->capture_default_str();
  app->add_option("--name", options->name, "Name the model goes by; default: the network");
  app->add_option("--samples", options->samples, "Patterns to train on in all")->capture_default_str();
  app->add_option("--minutes", options->minutes, "Train for so long instead; the rate ends with the time")
      ->excludes("--samples");
  app->add_option("--batch", options->batch, "Patterns a step")->capture_default_str();
  app->add_option("--rate", options->rate,
                  "Highest learning rate; default: 0.003 for flash, 0.01 for wu2021");
  app->add_option("--modulus-weight", options->modulus_weight,
                  "Weight of the modulus in the loss; default: 3 for flash, 4 for wu2021");
  app->add_option("--backend", options->backend, "cpu or cuda")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  app->add_option("--threads", options->threads,
                  "Threads that make the patterns; on the CPU those of the network, too")
      ->capture_default_str();
  app->add_option("--seed", options->seed, "Seed of weights and samples")->capture_default_str();
  app->add_option("--channels", options->channels,
                  "Of the first level; default: 16 for flash, 32 for wu2021");
  app->add_option("--physics-layers", options->physics_layers, "Of flash; default: 6");
  app->add_option("--physics-channels", options->physics_channels, "Of flash; default: 16");
  app->add_flag("--mixed-precision", options->mixed_precision, "Convolutions in bfloat16");
  app->add_option("--stop-after-steps", options->stop_after_steps,
                  "End early, ready to resume; 0 = go to the end")
      ->capture_default_str();
  app->add_option("--checkpoint-seconds", options->checkpoint_seconds, "Time between two saves")
      ->capture_default_str();
  auto* overwrite =
      app->add_flag("--overwrite", options->overwrite, "Replace OUTPUT where it is there already");
  auto* resume =
      app->add_flag("--resume", options->resume, "Go on from OUTPUT and OUTPUT.state")->excludes(overwrite);
  app->add_option("--from", options->from,
                  "Begin with the weights of this model (same channels, at most as many physics layers)")
      ->excludes(resume);
  app->callback([options] { fit(*options); });
}

}  // namespace flashphase::trainer
