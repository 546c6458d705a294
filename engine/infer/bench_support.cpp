#include "engine/infer/bench_support.h"

#include <algorithm>
#include <chrono>

#include "engine/infer/flash_checkpoint.h"
#include "engine/infer/flash_module.h"

namespace flashphase::infer {

double network_flops(const std::string& model) {
  return model == "none" ? 0.0 : module_from(read_checkpoint(model))->convolution_flops();
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
    const auto start = std::chrono::steady_clock::now();
    const torch::Tensor c = torch::linear(a, b);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    best = std::max(best, 2.0 * kEdge * kEdge * kEdge / elapsed.count());
  }
  return best;
}

DeviceTimes device_times(const Network& network) {
  const auto* staged = dynamic_cast<const StagedNetwork*>(&network);
  return staged != nullptr ? staged->last_times() : DeviceTimes{};
}

}  // namespace flashphase::infer
