#include "trainer/method.h"

#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include <cmath>
#include <functional>
#include <memory>
#include <numbers>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/device/cuda_devices.h"
#include "engine/infer/modules/flash_module.h"
#include "engine/infer/modules/module_checkpoint.h"
#include "engine/infer/modules/wu2021_module.h"
#include "trainer/loss.h"

namespace flashphase::trainer {
namespace {

/// Of one answer, the mean over the batch.
using AnswerLoss = std::function<torch::Tensor(const torch::Tensor& answer, const TrainingBatch& batch)>;

/// The answer of layer i of k counts 2^(i - k + 1): early layers are led, the last one decides.
torch::Tensor layered_loss(const std::vector<torch::Tensor>& answers, const TrainingBatch& batch,
                           const AnswerLoss& loss) {
  torch::Tensor total;
  double weight = std::ldexp(1.0, 1 - static_cast<int>(answers.size()));
  for (const auto& answer : answers) {
    const auto term = weight * loss(answer, batch);
    total = total.defined() ? total + term : term;
    weight *= 2;
  }
  return total;
}

BatchLoss with_figures(torch::Tensor total, const torch::Tensor& answer, const TrainingBatch& batch) {
  const torch::NoGradGuard no_gradient;
  return {std::move(total), twin_aware_error(answer, batch.truth).mean(),
          infer::modulus_chi2(answer, batch.truth_modulus).mean()};
}

AnswerLoss answer_loss(const std::string& name, double modulus_weight) {
  if (name == "twin_aware")
    return [modulus_weight](const torch::Tensor& answer, const TrainingBatch& batch) {
      return twin_aware_error(answer, batch.truth).mean() +
             modulus_weight * infer::modulus_chi2(answer, batch.truth_modulus).mean();
    };
  if (name == "fourier_pearson")
    return [](const torch::Tensor& answer, const TrainingBatch& batch) {
      return fourier_pearson_loss(answer, batch.modulus, batch.measured).mean();
    };
  if (name == "poisson")
    return [](const torch::Tensor& answer, const TrainingBatch& batch) {
      return poisson_loss(answer, batch.modulus, batch.measured).mean();
    };
  throw std::invalid_argument("--loss must be wu2021, twin_aware, fourier_pearson or poisson, not " + name);
}

std::function<BatchLoss(const TrainingBatch&)> loss_for(const std::shared_ptr<infer::NetworkModule>& module,
                                                        const std::string& name, double modulus_weight) {
  if (name != "wu2021")
    return [module, loss = answer_loss(name, modulus_weight)](const TrainingBatch& batch) {
      const auto answers = module->forward(batch.input());
      return with_figures(layered_loss(answers, batch, loss), answers.back(), batch);
    };
  const auto network = std::dynamic_pointer_cast<infer::Wu2021Module>(module);
  if (!network)
    throw std::invalid_argument(
        "--loss wu2021 compares amplitude and phase, which only --network wu2021 gives apart; for " +
        module->kind() + " take twin_aware, fourier_pearson or poisson");
  return [network, modulus_weight](const TrainingBatch& batch) {
    const infer::Wu2021Answer answer = network->decode(batch.input());
    const Wu2021Loss parts = wu2021_loss(answer, batch.truth, batch.truth_modulus);
    const auto total =
        (parts.amplitude + parts.phase + modulus_weight * (parts.modulus + 1 - parts.correlation)).mean();
    const torch::NoGradGuard no_gradient;
    return with_figures(total, infer::object_of(answer), batch);
  };
}

std::function<double(std::uint64_t, double)> rates(const std::string& schedule, double highest,
                                                   std::uint64_t warm_up) {
  constexpr double kDecay = 0.95;
  constexpr int kDecays = 20;  // every 10 of 200 epochs
  std::function<double(double)> after;
  if (schedule == "cosine")
    after = [](double progress) { return 0.5 * (1 + std::cos(std::numbers::pi * progress)); };
  else if (schedule == "steps")
    after = [](double progress) { return std::pow(kDecay, std::floor(kDecays * progress)); };
  else
    throw std::invalid_argument("--schedule must be cosine or steps, not " + schedule);
  return [highest, warm_up, after](std::uint64_t step, double progress) {
    if (step < warm_up) return highest * static_cast<double>(step + 1) / static_cast<double>(warm_up);
    return highest * after(progress);
  };
}

std::unique_ptr<torch::optim::Optimizer> new_optimizer(const std::string& name,
                                                       std::vector<torch::Tensor> parameters, double rate,
                                                       double weight_decay) {
  if (name == "adam")
    return std::make_unique<torch::optim::Adam>(std::move(parameters), torch::optim::AdamOptions(rate));
  if (name == "adamw")
    return std::make_unique<torch::optim::AdamW>(std::move(parameters),
                                                 torch::optim::AdamWOptions(rate).weight_decay(weight_decay));
  if (name == "sgd")
    return std::make_unique<torch::optim::SGD>(std::move(parameters), torch::optim::SGDOptions(rate));
  throw std::invalid_argument("--optimizer must be adam, adamw or sgd, not " + name);
}

}  // namespace

torch::Device device_of(const std::string& backend) {
  if (backend == "cpu") return torch::kCPU;
  require_cuda_device(0);
  return {torch::kCUDA, 0};
}

TrainingBatch::TrainingBatch(int batch, int m, int n)
    : features(torch::empty({batch, m / 2, m / 2, infer::kFeatureChannels})),
      modulus(torch::empty({batch, m, m})),
      measured(torch::empty({batch, m, m}, torch::kByte)),
      truth(torch::empty({batch, 2, n, n})),
      truth_modulus(torch::empty({batch, m, m})) {}

BatchView TrainingBatch::view() const {
  return {features.data_ptr<float>(), modulus.data_ptr<float>(), measured.data_ptr<std::uint8_t>(),
          truth.data_ptr<float>(), truth_modulus.data_ptr<float>()};
}

infer::ModuleInput TrainingBatch::input() const {
  return {features.permute({0, 3, 1, 2}), modulus, measured};
}

TrainingBatch TrainingBatch::pinned() const {
  TrainingBatch copy = *this;
  for (torch::Tensor* part : copy.parts()) *part = part->pin_memory();
  return copy;
}

TrainingBatch TrainingBatch::on(torch::Device device) const {
  TrainingBatch copy = *this;
  for (torch::Tensor* part : copy.parts())
    *part = part->to(device, part->scalar_type(), /*non_blocking=*/true);
  return copy;
}

torch::Tensor limit_gradients(const std::vector<torch::Tensor>& parameters, double limit) {
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& parameter : parameters)
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  const torch::NoGradGuard no_gradient;
  const torch::Tensor norm = torch::stack(torch::_foreach_norm(gradients)).norm();
  const torch::Tensor scale = (limit / (norm + 1e-6)).clamp_max(1.0);
  for (torch::Tensor& gradient : gradients) gradient.mul_(scale);
  return norm;
}

std::shared_ptr<infer::NetworkModule> new_module(const FitOptions& options, int pattern_size,
                                                 int object_size) {
  if (options.network == "flash") {
    infer::FlashOptions sizes{pattern_size, object_size};
    sizes.channels = options.channels.value_or(sizes.channels);
    sizes.physics_layers = options.physics_layers.value_or(sizes.physics_layers);
    sizes.physics_channels = options.physics_channels.value_or(sizes.physics_channels);
    return infer::make_flash_module(sizes, options.seed);
  }
  if (options.network != "wu2021")
    throw std::invalid_argument("--network must be flash or wu2021, not " + options.network);
  if (options.physics_layers || options.physics_channels)
    throw std::invalid_argument(
        "wu2021 has no physics layers: leave --physics-layers and --physics-channels out");
  infer::Wu2021Options sizes{pattern_size, object_size};
  sizes.channels = options.channels.value_or(sizes.channels);
  return infer::make_wu2021_module(sizes, options.seed);
}

Method method_for(const std::shared_ptr<infer::NetworkModule>& module, const FitOptions& options) {
  const bool paper = module->kind() == "wu2021";
  if (!paper && module->kind() != "flash")
    throw std::invalid_argument("there is no method to train a network of the kind " + module->kind());
  const auto chosen = [](const std::string& option, const char* otherwise) {
    return option.empty() ? std::string(otherwise) : option;
  };
  Method method;
  method.loss_name = chosen(options.loss, paper ? "wu2021" : "twin_aware");
  method.optimizer_name = chosen(options.optimizer, paper ? "sgd" : "adam");
  const bool sgd = method.optimizer_name == "sgd";
  const std::string schedule = chosen(options.schedule, sgd ? "steps" : "cosine");
  if (options.weight_decay && method.optimizer_name != "adamw")
    throw std::invalid_argument("--weight-decay is adamw's; --optimizer " + method.optimizer_name +
                                " has none");
  const bool has_object = method.loss_name == "wu2021" || method.loss_name == "twin_aware";
  if (options.modulus_weight && !has_object)
    throw std::invalid_argument("--modulus-weight weighs the modulus against the object, which --loss " +
                                method.loss_name + " does not look at; leave it out");
  method.modulus_weight =
      has_object ? options.modulus_weight.value_or(method.loss_name == "wu2021" ? 4 : 3) : 0;
  method.rate = options.rate.value_or(sgd ? 0.01 : 3e-3);
  // The loss of one batch is of order 1. In its full size wu2021 diverges without a limit.
  method.gradient_limit = paper ? 30 : 1;
  method.rate_at = rates(schedule, method.rate, options.warm_up.value_or(schedule == "cosine" ? 500 : 0));
  method.loss = loss_for(module, method.loss_name, method.modulus_weight);
  method.optimizer = new_optimizer(method.optimizer_name, module->parameters(), method.rate,
                                   options.weight_decay.value_or(0.01));
  return method;
}

}  // namespace flashphase::trainer
