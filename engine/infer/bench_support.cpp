#include "engine/infer/bench_support.h"

#include <algorithm>

#include "engine/frame/frame.h"
#include "engine/infer/modules/module_checkpoint.h"
#include "engine/infer/modules/network_module.h"

namespace flashphase::infer {

Checkpoint untrained_network(const std::string& kind) {
  constexpr std::uint64_t kSeed = 1;
  Checkpoint checkpoint;
  checkpoint.info.name = "random weights";
  if (kind == "flash")
    store_module(*make_flash_module({}, kSeed), checkpoint);
  else if (kind == "wu2021")
    store_module(*make_wu2021_module({}, kSeed), checkpoint);
  else
    throw std::invalid_argument("there is no network of the kind " + kind);
  return checkpoint;
}

double network_flops(const Checkpoint& checkpoint) {
  return module_from(checkpoint)->convolution_flops();
}

double measured_peak_flops(const NetworkOptions& options, const std::string& precision) {
  if (options.cuda_device) return measured_cuda_peak_flops(*options.cuda_device, precision);
  torch::InferenceMode inference;
  at::set_num_threads(options.threads);
  const auto type = precision == "bf16" ? torch::kBFloat16 : torch::kFloat;
  constexpr int kEdge = 1024, kRuns = 20;
  const torch::Tensor a = torch::randn({kEdge, kEdge}).to(type), b = torch::randn({kEdge, kEdge}).to(type);
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = Clock::now();
    const torch::Tensor c = torch::linear(a, b);
    best = std::max(best, 2.0 * kEdge * kEdge * kEdge / seconds_between<double>(start, Clock::now()));
  }
  return best;
}

DeviceTimes device_times(const Network& network) {
  const auto* staged = dynamic_cast<const StagedNetwork*>(&network);
  return staged != nullptr ? staged->last_times() : DeviceTimes{};
}

}  // namespace flashphase::infer
