#include "trainer/method.h"

#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/device/cuda_devices.h"
#include "engine/infer/modules/flash_module.h"
#include "engine/infer/modules/module_checkpoint.h"
#include "engine/infer/modules/wu2021_module.h"
#include "trainer/loss.h"

namespace flashphase::trainer {
namespace {

/// The answer of layer i of k counts 2^(i - k + 1): early layers are led, the last one decides.
BatchLoss flash_loss(const std::vector<torch::Tensor>& answers, const TrainingBatch& batch,
                     double modulus_weight) {
  BatchLoss loss;
  double weight = std::ldexp(1.0, 1 - static_cast<int>(answers.size()));
  for (const auto& answer : answers) {
    const auto error = twin_aware_error(answer, batch.truth).mean();
    const auto chi2 = infer::modulus_chi2(answer, batch.truth_modulus).mean();
    const auto term = weight * (error + modulus_weight * chi2);
    loss.total = loss.total.defined() ? loss.total + term : term;
    weight *= 2;
    loss.object_error = error.detach();
    loss.chi2 = chi2.detach();
  }
  return loss;
}

Method flash_method(const std::shared_ptr<infer::NetworkModule>& module, const FitOptions& options) {
  constexpr std::uint64_t kWarmUpSteps = 500;
  Method method;
  method.rate = options.rate.value_or(3e-3);
  method.modulus_weight = options.modulus_weight.value_or(3);
  method.gradient_limit = 1;  // the loss of one batch is of order 1
  method.rate_at = [highest = method.rate](std::uint64_t step, double progress) {
    if (step < kWarmUpSteps)
      return highest * static_cast<double>(step + 1) / static_cast<double>(kWarmUpSteps);
    return highest * 0.5 * (1 + std::cos(std::numbers::pi * progress));
  };
  method.loss = [module, weight = method.modulus_weight](const TrainingBatch& batch) {
    return flash_loss(module->forward(batch.input()), batch, weight);
  };
  method.optimizer =
      std::make_unique<torch::optim::Adam>(module->parameters(), torch::optim::AdamOptions(method.rate));
  return method;
}

Method wu2021_method(const std::shared_ptr<infer::NetworkModule>& module, const FitOptions& options) {
  constexpr double kDecay = 0.95;
  constexpr int kDecays = 20;  // every 10 of 200 epochs
  Method method;
  method.rate = options.rate.value_or(0.01);
  method.modulus_weight = options.modulus_weight.value_or(4);
  method.gradient_limit = 30;  // in its full size it diverges without one
  method.rate_at = [highest = method.rate](std::uint64_t, double progress) {
    return highest * std::pow(kDecay, std::floor(kDecays * progress));
  };
  method.loss = [module = std::dynamic_pointer_cast<infer::Wu2021Module>(module),
                 weight = method.modulus_weight](const TrainingBatch& batch) {
    const infer::Wu2021Answer answer = module->decode(batch.input());
    const Wu2021Loss parts = wu2021_loss(answer, batch.truth, batch.truth_modulus);
    const auto total =
        (parts.amplitude + parts.phase + weight * (parts.modulus + 1 - parts.correlation)).mean();
    torch::NoGradGuard no_gradient;
    return BatchLoss{total, twin_aware_error(infer::object_of(answer), batch.truth).mean(),
                     parts.modulus.mean().detach()};
  };
  method.optimizer =
      std::make_unique<torch::optim::SGD>(module->parameters(), torch::optim::SGDOptions(method.rate));
  return method;
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
  if (module->kind() == "flash") return flash_method(module, options);
  if (module->kind() == "wu2021") return wu2021_method(module, options);
  throw std::invalid_argument("there is no method to train a network of the kind " + module->kind());
}

}  // namespace flashphase::trainer
