#pragma once

#include <cstdint>
#include <functional>
#include <memory>

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
};

struct BatchLoss {
  torch::Tensor total;
  double object_error = 0,
         chi2 = 0;  ///< of the answer: twin_aware_error and L(modulus), means over the batch
};

/// What is peculiar to the training of one network; see fit().
struct Method {
  double rate = 0;            ///< highest learning rate
  double modulus_weight = 0;  ///< of the terms of the modulus in the loss
  double gradient_limit = 0;  ///< norm
  std::function<double(std::uint64_t step, std::uint64_t steps)> rate_at;
  std::function<BatchLoss(const TrainingBatch& batch)> loss;
  std::unique_ptr<torch::optim::Optimizer> optimizer;
};

/// The network that the options ask for, with random weights. Throws std::invalid_argument when they do not
/// fit it.
std::shared_ptr<infer::NetworkModule> new_module(const FitOptions& options, int pattern_size,
                                                 int object_size);

/// How the module's kind is trained; holds on to the module.
Method method_for(const std::shared_ptr<infer::NetworkModule>& module, const FitOptions& options);

}  // namespace flashphase::trainer
