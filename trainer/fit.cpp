#include "trainer/fit.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <map>
#include <memory>
#include <numbers>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/dataset/output.h"
#include "engine/device/stop_signals.h"
#include "engine/frame/frame.h"
#include "engine/infer/modules/module_checkpoint.h"
#include "trainer/batches.h"
#include "trainer/curve.h"
#include "trainer/method.h"
#include "trainer/process_group.h"
#include "trainer/training_state.h"

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
                               : std::max<std::uint64_t>(options.samples / batch_of_all(), 1)) {
    at::set_num_threads(device_.is_cpu() ? options.threads : 1);
    module_ = options.resume ? written_module() : first_module();
    module_->mixed_precision = options.mixed_precision;
    module_->to(device_);
    for (auto& parameter : module_->parameters())
      if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
    method_ = method_for(module_, options);
    weights_ = std::make_unique<AveragedWeights>(*module_, options.ema);
    at_.sums = torch::zeros({4}, torch::TensorOptions(torch::kDouble).device(device_));
    if (options.resume) {
      expect_same("loss", method_.loss_name);
      expect_same("optimizer", method_.optimizer_name);
      at_ = read_state(state_path(), *method_.optimizer, *weights_, device_);
      saved_step_ = at_.step;
    }
    data_.set_augment(augment_named(options.augment));
    if (writes()) curve_ = std::make_unique<Curve>(options.output + ".csv", options.tensorboard, at_.step);
    if (options.place.count > 1) group_ = join(options.place);
    if (!writes()) return;
    std::fprintf(
        stderr, "fit: %s, %.1f MFLOP a pattern, from step %llu %s, %d patterns a step\n",
        data_.count() > 0 ? (std::to_string(data_.count()) + " objects").c_str() : "simulated objects",
        module_->convolution_flops() * 1e-6, static_cast<unsigned long long>(at_.step),
        options.minutes ? (std::to_string(*options.minutes) + " minutes long").c_str()
                        : ("to " + std::to_string(steps_)).c_str(),
        static_cast<int>(batch_of_all()));
  }

  void run() {
    started_ = Clock::now();
    auto saved = started_, reported = started_;
    first_ = at_.step;
    seconds_before_ = at_.seconds;
    const std::uint64_t last =
        options_.stop_after_steps > 0 ? std::min(steps_, first_ + options_.stop_after_steps) : steps_;
    const auto at_end = [&] { return at_.step >= steps_ || progress() >= 1; };
    std::uint64_t passes = passes_of_data();
    Batches batches(data_, options_.seed, options_.batch, device_, options_.place);
    while (at_.step < last && !at_end() && !stopped_) {
      one_step(batches);
      const bool whole = at_.step % options_.record_steps == 0;
      if (at_.step % kReadEvery != 0 && at_.step < last && !whole) continue;
      if (!at_.sums.isfinite().all().item<bool>()) diverged();
      if (whole || at_end()) record();
      const auto now = Clock::now();
      if (now - reported > std::chrono::minutes(1) || passes_of_data() != passes || at_.step >= last ||
          at_end()) {
        report();
        reported = now;
        passes = passes_of_data();
      }
      if (now - saved > std::chrono::seconds(options_.checkpoint_seconds)) {
        save();
        saved = now;
      }
    }
    if (!at_.sums.isfinite().all().item<bool>()) diverged();
    if (at_end() && at_.summed > 0) record();
    save();
    if (stopped_ && at_.step < last && !at_end())
      throw std::runtime_error("stopped at step " + std::to_string(at_.step) +
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

  double progress() const {
    if (!options_.minutes) return static_cast<double>(at_.step) / static_cast<double>(steps_);
    return elapsed() / (60 * *options_.minutes);
  }

  double elapsed() const { return seconds_between<double>(started_, Clock::now()); }

  bool writes() const { return options_.place.rank == 0; }

  std::uint64_t batch_of_all() const {
    return static_cast<std::uint64_t>(options_.batch) * static_cast<std::uint64_t>(options_.place.count);
  }

  std::uint64_t samples() const { return at_.step * batch_of_all(); }

  /// Whole ones.
  std::uint64_t passes_of_data() const { return data_.count() > 0 ? samples() / data_.count() : 0; }

  void one_step(Batches& batches) {
    const TrainingBatch batch = batches.get(at_.step);
    for (auto& group : method_.optimizer->param_groups())
      group.options().set_lr(method_.rate_at(at_.step, progress()));
    method_.optimizer->zero_grad();
    const BatchLoss loss = method_.loss(batch);
    loss.total.backward();
    torch::Tensor figures = torch::stack({loss.total.detach(), loss.object_error, loss.chi2});
    stopped_ = stop_requested();
    if (group_) together(figures);
    const torch::Tensor norm = limit_gradients(module_->parameters(), method_.gradient_limit);
    method_.optimizer->step();
    weights_->add(++at_.step);
    at_.sums += torch::cat({figures, norm.view({1})});
    ++at_.summed;
  }

  /// Means of gradients and figures over the processes; who is told to stop stops all.
  void together(torch::Tensor& figures) {
    torch::Tensor stop = torch::full({1}, stopped_ ? 1.0 : 0.0);
    std::vector<torch::Tensor> all{figures, stop};
    for (const auto& parameter : module_->parameters())
      if (parameter.grad().defined()) all.push_back(parameter.grad());
    average(*group_, options_.place.count, all);
    stopped_ = stop.item<float>() > 0;
  }

  /// Means since the last point of the curve, of one step at least.
  CurvePoint point() const {
    const torch::Tensor means = (at_.sums / static_cast<double>(at_.summed)).cpu();
    const double* mean = means.data_ptr<double>();
    return {.step = at_.step,
            .samples = samples(),
            .rate = method_.rate_at(at_.step, progress()),
            .loss = mean[0],
            .object_error = mean[1],
            .modulus_chi2 = mean[2],
            .seconds = seconds_before_ + elapsed()};
  }

  void record() {
    last_point_ = point();
    at_.sums.zero_();
    at_.summed = 0;
    if (curve_) curve_->add(*last_point_);
  }

  void report() const {
    if (!writes()) return;
    const double done = static_cast<double>(at_.step - first_);
    const double left = options_.minutes ? std::max(0.0, *options_.minutes - elapsed() / 60)
                                         : elapsed() / done * static_cast<double>(steps_ - at_.step) / 60;
    std::string line = std::to_string(samples()) + " samples";
    const auto add = [&](const char* format, double value) {
      char text[64];
      std::snprintf(text, sizeof text, format, value);
      line += text;
    };
    if (data_.count() > 0)
      add(", epoch %.1f", static_cast<double>(samples()) / static_cast<double>(data_.count()));
    add(", %.0f/s", done * static_cast<double>(batch_of_all()) / elapsed());
    const CurvePoint means = last_point_ ? *last_point_ : point();
    add(", loss %.4f", means.loss);
    add(", object error %.4f", means.object_error);
    add(", modulus chi2 %.5f", means.modulus_chi2);
    add(", rate %.2e", method_.rate_at(at_.step, progress()));
    add(", %.1f min left", left);
    std::fprintf(stderr, "fit: %s\n", line.c_str());
  }

  [[noreturn]] void diverged() const {
    throw std::runtime_error("training diverged by step " + std::to_string(at_.step) +
                             ": loss, gradient or weights are not finite; " +
                             (saved_step_
                                  ? options_.output + " holds the last good checkpoint, of step " +
                                        std::to_string(*saved_step_) + ": resume with a smaller --rate"
                                  : "no checkpoint was written before: start with a smaller --rate"));
  }

  std::shared_ptr<infer::NetworkModule> written_module() {
    const infer::Checkpoint written = infer::read_checkpoint(options_.output);
    if (written.network != options_.network)
      throw std::invalid_argument(options_.output + " is a network " + written.network + ", not " +
                                  options_.network + "; resume with its --network");
    made_with_ = written.training;
    if (const auto from = written.training.find("from"); from != written.training.end())
      ancestor_ = from->second;
    return infer::module_from(written);
  }

  void expect_same(const std::string& option, const std::string& now) const {
    const auto before = made_with_.find(option);
    if (before != made_with_.end() && before->second != now)
      throw std::invalid_argument(options_.output + " was made with --" + option + " " + before->second +
                                  ", not " + now + "; resume with that");
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

  /// Weights that are not finite are never written.
  void save() {
    const auto norms = torch::_foreach_norm(weights_->weights);
    if (!torch::stack(norms).isfinite().all().item<bool>()) diverged();
    at_.seconds = seconds_before_ + elapsed();
    if (writes()) {
      // The state first: it alone says where training goes on.
      write_state(state_path(), *method_.optimizer, *weights_, at_);
      write_model();
    }
    saved_step_ = at_.step;
  }

  void write_model() {
    infer::Checkpoint checkpoint;
    weights_->with_average([&] { infer::store_module(*module_, checkpoint); });
    const simulate::Recipe& recipe = data_.recipe();
    checkpoint.info.name = options_.name.empty() ? options_.network : options_.name;
    checkpoint.info.domain.photons_min =
        recipe.noise_free_fraction < 1 ? recipe.photons.min : recipe.photons.max;
    checkpoint.info.domain.unmeasured_max = unmeasured_max(recipe);
    checkpoint.info.domain.centre_offset_max = static_cast<float>(data_.pattern_size()) / 8;
    checkpoint.recipe = simulate::to_yaml(recipe);
    checkpoint.training = {{"samples", std::to_string(samples())},
                           {"objects", data_.count() > 0 ? std::to_string(data_.count()) : "simulated"},
                           {"batch", std::to_string(batch_of_all())},
                           {"rate", std::to_string(method_.rate)},
                           {"loss", method_.loss_name},
                           {"optimizer", method_.optimizer_name},
                           {"ema", std::to_string(options_.ema)},
                           {"modulus_weight", std::to_string(method_.modulus_weight)},
                           {"seed", std::to_string(options_.seed)}};
    if (!ancestor_.empty()) checkpoint.training["from"] = ancestor_;
    infer::write_checkpoint(options_.output, checkpoint);
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
  std::uint64_t steps_, first_ = 0;  // first_: of this run
  Standing at_;
  bool stopped_ = false;  // from outside; with many processes all know it after the same step
  Clock::time_point started_;
  double seconds_before_ = 0;                // trained by the runs before
  std::optional<std::uint64_t> saved_step_;  // of the checkpoint on the disk
  std::optional<CurvePoint> last_point_;
  std::map<std::string, std::string> made_with_;  // of the model that is resumed
  std::string ancestor_;                          // hash of the model whose weights training began with
  std::shared_ptr<infer::NetworkModule> module_;
  Method method_;
  std::unique_ptr<AveragedWeights> weights_;
  std::unique_ptr<Curve> curve_;  // where this process writes
  std::unique_ptr<ProcessGroup> group_;
};

void check_outputs(const FitOptions& options) {
  const bool in_place = options.resume || options.overwrite;
  check_output(options.output, in_place, {options.data, options.objects, options.recipe, options.from});
  for (const char* beside : {".state", ".csv"}) check_output(options.output + beside, in_place);
}

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
  if (options.record_steps < 1) throw std::invalid_argument("--record-steps must be at least 1");
  if (options.place.count > 1 && options.minutes)
    throw std::invalid_argument("--minutes is for one process; with many give --samples");
  if (options.place.count > 1 && options.backend != "cpu")
    throw std::invalid_argument("many processes train together on the CPU alone: leave --backend cuda out");
  if (options.place.rank == 0) check_outputs(options);
  stop_on_signals();
  Fit(options).run();
}

}  // namespace flashphase::trainer
