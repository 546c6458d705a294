#include "trainer/adapt.h"

#include <torch/optim/adam.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <numbers>
#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/dataset/dataset.h"
#include "engine/dataset/output.h"
#include "engine/dataset/patterns.h"
#include "engine/device/cores.h"
#include "engine/device/stop_signals.h"
#include "engine/frame/frame.h"
#include "engine/infer/modules/module_checkpoint.h"
#include "engine/infer/modules/module_tensors.h"
#include "engine/refine/explain/explain.h"
#include "engine/refine/starts/network_starts.h"
#include "engine/score/noise.h"
#include "engine/simulate/random.h"
#include "engine/simulate/recipe.h"
#include "trainer/batches.h"
#include "trainer/loss.h"
#include "trainer/method.h"

namespace flashphase::trainer {
namespace {

constexpr float kLeastNoise = 1e-5f;  // what the edge of a support cuts off
constexpr float kSure = 0.95f;        // agreement
constexpr double kImageWeight = 10;
constexpr int kJudged = 256;  // simulated patterns
constexpr int kWarmUpSteps = 20;

/// Measured patterns on the way through the network. Shapes as in features_of().
struct Measured {
  torch::Tensor intensity;  ///< [N, m, m]
  torch::Tensor measured;   ///< [N, m, m] uint8
  torch::Tensor noise;      ///< [N]
  torch::Tensor image;      ///< [N, 2, n, n] in the scale of the pattern; 0 where there is none
  torch::Tensor known;      ///< [N] 1 where there is

  Measured(int count, int m, int n)
      : intensity(torch::empty({count, m, m})),
        measured(torch::empty({count, m, m}, torch::kByte)),
        noise(torch::empty({count})),
        image(torch::zeros({count, 2, n, n})),
        known(torch::zeros({count})) {}
  std::int64_t count() const { return intensity.size(0); }
  Measured at(const torch::Tensor& index) const {
    Measured some = *this;
    for (torch::Tensor* part : {&some.intensity, &some.measured, &some.noise, &some.image, &some.known})
      *part = part->index_select(0, index);
    return some;
  }
};

class Adapting {
 public:
  explicit Adapting(const AdaptOptions& options)
      : options_(options),
        parent_(infer::read_checkpoint(options.model)),
        module_(infer::module_from(parent_)),
        simulated_(simulated_by(parent_, options)),
        trained_(0, 0, 0),
        held_out_(0, 0, 0) {
    at::set_num_threads(options.threads);
    if (simulated_.pattern_size() != parent_.info.pattern_size)
      throw std::invalid_argument("the recipe gives patterns of " +
                                  std::to_string(simulated_.pattern_size()) + " pixels; the model takes " +
                                  std::to_string(parent_.info.pattern_size));
    read_patterns();
    for (auto& parameter : module_->parameters())
      if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
  }

  AdaptReport run() {
    AdaptReport report;
    report.trained = static_cast<std::size_t>(trained_.count());
    report.held_out = static_cast<std::size_t>(held_out_.count());
    report.known = static_cast<std::size_t>(trained_.known.sum().item<float>());
    report.before = judged();
    std::fprintf(stderr,
                 "adapt: %zu frames to train on, the images of %zu known by refinement; %zu frames judge\n",
                 report.trained, report.known, report.held_out);
    train();
    report.after = judged();
    check(report);
    write(report);
    return report;
  }

 private:
  static TrainingData simulated_by(const infer::Checkpoint& parent, const AdaptOptions& options) {
    if (options.recipe.empty() && parent.recipe.empty())
      throw std::invalid_argument(options.model + " does not say what it was trained on; give --recipe");
    const simulate::Recipe recipe = options.recipe.empty() ? simulate::parse_recipe(parent.recipe)
                                                           : simulate::load_recipe(options.recipe);
    return TrainingData::simulated(recipe, recipe, options.threads);
  }

  void read_patterns() {
    const DatasetReader file(options_.data);
    file.require_patterns();
    if (file.pattern_size() != parent_.info.pattern_size)
      throw std::runtime_error(options_.data + " has patterns of " + std::to_string(file.pattern_size()) +
                               " pixels; the model takes " + std::to_string(parent_.info.pattern_size));
    const std::size_t count = options_.frames > 0 ? std::min(options_.frames, file.count()) : file.count();
    const PatternBatch all = patterns_of(file.read(0, count));
    const int m = all.size, n = parent_.info.object_size;
    std::vector<std::int64_t> with_image;
    for (int i = 0; i < all.count; ++i)
      if (holds_image(all.intensity_of(i), m)) with_image.push_back(i);
    const auto least = static_cast<std::size_t>(2 * options_.hold_out);
    if (with_image.size() < least)
      throw std::runtime_error(options_.data + " has " + std::to_string(with_image.size()) +
                               " patterns with an image; to adapt to them takes " + std::to_string(least));
    std::vector<int> train, judge;
    for (std::size_t i = 0; i < with_image.size(); ++i) {
      const bool judges =
          i % static_cast<std::size_t>(options_.hold_out) + 1 == static_cast<std::size_t>(options_.hold_out);
      (judges ? judge : train).push_back(static_cast<int>(with_image[i]));
    }
    trained_ = tensors_of(all, train, n);
    held_out_ = tensors_of(all, judge, n);
    add_images(all, train);
  }

  static Measured tensors_of(const PatternBatch& all, const std::vector<int>& frames, int n) {
    Measured some(static_cast<int>(frames.size()), all.size, n);
    const std::size_t cells = all.pattern_cells();
    for (std::size_t k = 0; k < frames.size(); ++k) {
      const auto intensity = all.intensity_of(frames[k]);
      const auto measured = all.measured_of(frames[k]);
      std::ranges::copy(intensity, some.intensity.data_ptr<float>() + k * cells);
      std::ranges::copy(measured, some.measured.data_ptr<std::uint8_t>() + k * cells);
      const bool counted = score::is_counted(intensity, measured);
      some.noise.data_ptr<float>()[k] =
          std::max(kLeastNoise, counted ? score::noise_residual(intensity, measured) : 0.0f);
    }
    return some;
  }

  /// What refinement makes of the frames, where it is sure.
  void add_images(const PatternBatch& all, const std::vector<int>& frames) {
    const auto network = network_from(parent_, {});
    refine::NetworkStarts starts_of({.per_frame = 4}, network.get());
    const auto solver = refine::make_explaining_solver(refine::make_cpu_solver({.cores = options_.threads}));
    const refine::Schedule schedule = refine::parse_schedule("explain");
    constexpr std::size_t kAtOnce = 8;
    const std::size_t cells = all.pattern_cells();
    for (std::size_t first = 0; first < frames.size() && !stop_requested(); first += kAtOnce) {
      const std::size_t last = std::min(frames.size(), first + kAtOnce);
      PatternBatch some(static_cast<int>(last - first), all.size);
      for (std::size_t k = first; k < last; ++k) {
        std::ranges::copy(all.intensity_of(frames[k]), some.intensity.begin() + (k - first) * cells);
        std::ranges::copy(all.measured_of(frames[k]), some.measured.begin() + (k - first) * cells);
      }
      ObjectBatch answers;
      network->infer(some, answers);
      refine::Refined refined;
      solver->solve(some, starts_of(some, answers), schedule, refined);
      for (std::size_t k = first; k < last; ++k) {
        const bool sure = refined.outcomes[k - first] != Outcome::given_up &&
                          !(refined.agreement[k - first] < kSure);  // none: one answer was enough
        if (sure) keep_image(refined.objects.object_of(static_cast<int>(k - first)), k);
      }
    }
  }

  void keep_image(std::span<const std::complex<float>> object, std::size_t at) {
    float* re = trained_.image.data_ptr<float>() + 2 * at * object.size();
    for (std::size_t i = 0; i < object.size(); ++i) {
      re[i] = object[i].real();
      re[object.size() + i] = object[i].imag();
    }
    trained_.known.data_ptr<float>()[at] = 1;
  }

  /// Of each pattern, by the answer of every layer; the last counts most, as in fit().
  torch::Tensor measured_loss(const Measured& some) const {
    const infer::TensorFeatures features = infer::features_of(some.intensity, some.measured);
    const auto answers = module_->forward(features.input);
    const torch::Tensor image = some.image * features.scale.view({-1, 1, 1, 1});
    // Of frames without an image the error is that against anything, times 0.
    const torch::Tensor against =
        torch::where(some.known.view({-1, 1, 1, 1}).gt(0), image, torch::ones_like(image));
    double weight = std::ldexp(1.0, 1 - static_cast<int>(answers.size()));
    torch::Tensor loss = torch::zeros({some.count()});
    for (const auto& answer : answers) {
      const auto chi2 = infer::residual_on_tensors(answer, features.input);
      loss = loss + weight * (torch::relu(chi2 / some.noise - 1) +
                              kImageWeight * some.known * twin_aware_error(answer, against));
      weight *= 2;
    }
    return loss;
  }

  void train() {
    FitOptions as_fitted;
    as_fitted.network = module_->kind();
    as_fitted.rate = options_.rate;
    Method method = method_for(module_, as_fitted);
    torch::optim::Adam optimizer(module_->parameters(), torch::optim::AdamOptions(options_.rate));
    Batches batches(simulated_, options_.seed, options_.batch, torch::kCPU);
    const auto started = Clock::now();
    auto reported = started;
    module_->train();
    for (int step = 0; step < options_.steps; ++step) {
      if (stop_requested()) throw std::runtime_error("stopped; nothing is written");
      const double warm = std::min(1.0, static_cast<double>(step + 1) / kWarmUpSteps);
      const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * step / options_.steps));
      for (auto& group : optimizer.param_groups()) group.options().set_lr(options_.rate * warm * cosine);
      optimizer.zero_grad();
      const TrainingBatch simulated = batches.get(static_cast<std::uint64_t>(step));
      const torch::Tensor measured = measured_loss(drawn(step)).clamp_max(kMostOfOne).mean();
      const torch::Tensor total = method.loss(simulated).total + options_.measured_weight * measured;
      total.backward();
      const double norm = limit_gradients(module_->parameters(), method.gradient_limit).item<double>();
      if (!std::isfinite(norm))
        throw std::runtime_error("training diverged at step " + std::to_string(step) +
                                 "; nothing is written; try a smaller --rate");
      optimizer.step();
      const auto now = Clock::now();
      if (now - reported < std::chrono::seconds(10)) continue;
      reported = now;
      const double elapsed = seconds_between<double>(started, now);
      std::fprintf(stderr, "adapt: step %d of %d, loss of measured patterns %.3f, %.1f min left\n", step + 1,
                   options_.steps, measured.item<double>(),
                   elapsed / (step + 1) * (options_.steps - step - 1) / 60);
    }
  }

  /// Patterns drawn for a step, all turned alike.
  Measured drawn(int step) const {
    simulate::Random random(options_.seed, static_cast<std::uint64_t>(step));
    const auto which = torch::empty({options_.batch}, torch::kLong);
    for (int i = 0; i < options_.batch; ++i)
      which[i] = static_cast<std::int64_t>(random.bits() % static_cast<std::uint64_t>(trained_.count()));
    const auto turn = static_cast<unsigned>(random.bits() % 8);
    Measured some = trained_.at(which);
    for (torch::Tensor* part : {&some.intensity, &some.measured, &some.image})
      *part = reoriented(*part, turn);
    return some;
  }

  Adaptation judged() {
    const torch::NoGradGuard no_gradient;
    module_->eval();
    Adaptation now;
    const infer::TensorFeatures features = infer::features_of(held_out_.intensity, held_out_.measured);
    const torch::Tensor residual =
        infer::residual_on_tensors(module_->forward(features.input).back(), features.input);
    now.residual = residual.mean().item<double>();
    now.excess = torch::relu(residual - held_out_.noise).mean().item<double>();
    TrainingBatch set(kJudged, simulated_.pattern_size(), simulated_.object_size());
    simulated_.fill(options_.seed + 1, 0, kJudged, set.view());
    now.simulated = twin_aware_error(module_->forward(set.input()).back(), set.truth).mean().item<double>();
    return now;
  }

  void check(const AdaptReport& report) const {
    const auto text = [](double value) {
      char digits[32];
      std::snprintf(digits, sizeof digits, "%.4g", value);
      return std::string(digits);
    };
    if (!(report.after.residual < report.before.residual))
      throw std::runtime_error("the adapted model is no better on the " + std::to_string(report.held_out) +
                               " frames held out (mean residual " + text(report.after.residual) +
                               ", before " + text(report.before.residual) + "); nothing is written");
    if (!(report.after.simulated <= (1 + options_.may_forget) * report.before.simulated))
      throw std::runtime_error("the adapted model has forgotten what it knew (error of simulated patterns " +
                               text(report.after.simulated) + ", before " + text(report.before.simulated) +
                               "); nothing is written; try fewer --steps or a smaller --rate");
  }

  void write(const AdaptReport& report) {
    infer::Checkpoint model = parent_;
    infer::store_module(*module_, model);
    model.info.name = options_.name.empty() ? parent_.info.name + "-adapted" : options_.name;
    model.training = {{"parent", parent_.info.hash},
                      {"adapted_to", std::to_string(report.trained) + " measured frames"},
                      {"images_known", std::to_string(report.known)},
                      {"steps", std::to_string(options_.steps)},
                      {"batch", std::to_string(options_.batch)},
                      {"rate", std::to_string(options_.rate)},
                      {"measured_weight", std::to_string(options_.measured_weight)},
                      {"seed", std::to_string(options_.seed)},
                      {"held_out_residual", std::to_string(report.after.residual)},
                      {"held_out_residual_before", std::to_string(report.before.residual)}};
    infer::write_checkpoint(options_.output, model);
  }

  static constexpr double kMostOfOne = 20;  // one hopeless frame does not outweigh the others

  AdaptOptions options_;
  infer::Checkpoint parent_;
  std::shared_ptr<infer::NetworkModule> module_;
  TrainingData simulated_;
  Measured trained_, held_out_;
};

void print(const AdaptReport& report) {
  std::printf("%-34s %10s %10s\n", "network alone, mean", "before", "after");
  const auto row = [](const char* name, double before, double after) {
    std::printf("%-34s %10.5f %10.5f\n", name, before, after);
  };
  row("residual, frames held out", report.before.residual, report.after.residual);
  row("  above counting noise", report.before.excess, report.after.excess);
  row("error of simulated patterns", report.before.simulated, report.after.simulated);
}

}  // namespace

AdaptReport adapt(const AdaptOptions& options) {
  if (options.steps < 1) throw std::invalid_argument("--steps must be at least 1");
  if (options.batch < 1) throw std::invalid_argument("--batch must be at least 1");
  if (options.threads < 1) throw std::invalid_argument("--threads must be at least 1");
  if (options.hold_out < 2)
    throw std::invalid_argument("--hold-out must be at least 2: some frames train, some judge");
  if (!(options.rate > 0)) throw std::invalid_argument("--rate must be positive");
  if (!(options.measured_weight > 0)) throw std::invalid_argument("--measured-weight must be positive");
  check_output(options.output, options.overwrite, {options.model, options.data, options.recipe});
  stop_on_signals();
  return Adapting(options).run();
}

void add_adapt(CLI::App& parent) {
  auto options = std::make_shared<AdaptOptions>();
  options->threads = usable_cores();
  CLI::App* app =
      parent.add_subcommand("adapt", "Go on training a model on measured patterns, without truth");
  app->add_option("--model", options->model, "Model file to begin with")->required();
  app->add_option("--data", options->data, "Dataset with measured patterns")->required();
  app->add_option("--output", options->output, "Model file to write")->required();
  app->add_option("--name", options->name, "Name the model goes by; default: its parent's with -adapted");
  app->add_option("--recipe", options->recipe,
                  "Recipe of the simulated patterns that it must not forget; default: its parent's");
  app->add_option("--frames", options->frames, "Only the first N frames");
  app->add_option("--steps", options->steps, "Steps of training")->capture_default_str();
  app->add_option("--batch", options->batch, "Measured patterns a step, and as many simulated ones")
      ->capture_default_str();
  app->add_option("--rate", options->rate, "Highest learning rate")->capture_default_str();
  app->add_option("--measured-weight", options->measured_weight,
                  "Weight of the measured patterns in the loss")
      ->capture_default_str();
  app->add_option("--hold-out", options->hold_out, "Every so manyth frame is not trained on and judges")
      ->capture_default_str();
  app->add_option("--may-forget", options->may_forget,
                  "Share by which the error of simulated patterns may rise")
      ->capture_default_str();
  app->add_option("--threads", options->threads, "Threads")->capture_default_str();
  app->add_option("--seed", options->seed, "Seed of what is drawn")->capture_default_str();
  app->add_flag("--overwrite", options->overwrite, "Replace OUTPUT where it is there already");
  app->callback([options] { print(adapt(*options)); });
}

}  // namespace flashphase::trainer
