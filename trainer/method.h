#pragma once

#include <torch/optim/optimizer.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/infer/modules/network_module.h"
#include "trainer/fit.h"
#include "trainer/training_data.h"

namespace flashphase::trainer {

/// Memory for one batch of TrainingData, as tensors.
struct TrainingBatch {
  torch::Tensor features, modulus, measured, truth, truth_modulus;

  TrainingBatch(int batch, int m, int n);
  BatchView view() const;
  infer::ModuleInput input() const;
  /// In page-locked memory, which a GPU copies from while the host goes on.
  TrainingBatch pinned() const;
  /// On the device: itself on a CPU, else copied without waiting.
  TrainingBatch on(torch::Device device) const;

 private:
  std::array<torch::Tensor*, 5> parts() { return {&features, &modulus, &measured, &truth, &truth_modulus}; }
};

/// Scalars on the device; reading one waits for it.
struct BatchLoss {
  torch::Tensor total;
  /// Of the answer, means over the batch without gradient: twin_aware_error, and L(modulus) against the
  /// truth.
  torch::Tensor object_error, chi2;
};

/// What is peculiar to the training of one network; see fit().
struct Method {
  double rate = 0;            ///< highest learning rate
  double modulus_weight = 0;  ///< of the terms of the modulus in the loss; 0 where it has no others
  std::string loss_name, optimizer_name;
  double gradient_limit = 0;                                           ///< norm
  std::function<double(std::uint64_t step, double progress)> rate_at;  ///< progress: from 0 to 1 at the end
  std::function<BatchLoss(const TrainingBatch& batch)> loss;
  std::unique_ptr<torch::optim::Optimizer> optimizer;
};

/// What --backend names, "cpu" or "cuda": the first GPU. Throws DeviceUnusable.
torch::Device device_of(const std::string& backend);

/// The network that the options ask for, with random weights. Throws std::invalid_argument when they do not
/// fit it.
std::shared_ptr<infer::NetworkModule> new_module(const FitOptions& options, int pattern_size,
                                                 int object_size);

/// Scales the gradients down until their norm is at most `limit`; gives the norm they had. Waits for nothing.
torch::Tensor limit_gradients(const std::vector<torch::Tensor>& parameters, double limit);

/// How the module's kind is trained, by what the options leave open; holds on to the module. Throws
/// std::invalid_argument for options that do not fit it or each other.
Method method_for(const std::shared_ptr<infer::NetworkModule>& module, const FitOptions& options);

}  // namespace flashphase::trainer
