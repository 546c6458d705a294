#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/infer/modules/network_module.h"
#include "trainer/method.h"

namespace flashphase::trainer {

/// The exponential moving average of all that makes a network's answer (Polyak & Juditsky 1992): after step
/// t, a <- d a + (1 - d) w with d = min(decay, t / (t + 10)), so that the random weights of the start are
/// soon forgotten. Holds on to the module's tensors. Thread: one.
class AveragedWeights {
 public:
  /// decay 0: no average, the weights themselves. Throws std::invalid_argument when it is not in [0, 1).
  AveragedWeights(const infer::NetworkModule& module, double decay);

  void add(std::uint64_t step);
  /// Calls `use` while the module holds the average.
  void with_average(const std::function<void()>& use);

  /// Of the module, and their averages where there are; both share memory.
  std::vector<torch::Tensor> weights, averages;

 private:
  double decay_;
};

/// Where a training stands beside weights and optimizer.
struct Standing {
  std::uint64_t step = 0;
  double seconds = 0;  ///< trained
  /// Sums of loss, object error, chi^2 and norm of the gradient since the last point of the curve, [4]
  /// float64 on the device, and over how many steps.
  torch::Tensor sums;
  std::uint64_t summed = 0;
};

/// Writes all that resuming needs, whole or not at all. Throws std::runtime_error.
void write_state(const std::string& path, const torch::optim::Optimizer& optimizer,
                 const AveragedWeights& weights, const Standing& standing);

/// Reads it into optimizer and module. Where the state has no average, averaging begins with its weights.
/// Throws std::runtime_error when it is missing, damaged or another network's.
Standing read_state(const std::string& path, torch::optim::Optimizer& optimizer, AveragedWeights& weights,
                    torch::Device device);

}  // namespace flashphase::trainer
