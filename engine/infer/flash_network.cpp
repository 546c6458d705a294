#include "engine/infer/flash_network.h"

#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <complex>
#include <cstddef>
#include <fstream>
#include <stdexcept>

#include "engine/infer/bench_support.h"
#include "engine/infer/features.h"
#include "engine/infer/flash_checkpoint.h"
#include "engine/infer/flash_module.h"

namespace flashphase::infer {
namespace {

constexpr float kSupportThreshold = 0.1f;

/// AVX512_BF16 or AMX: oneDNN multiplies bfloat16 natively. Elsewhere it would emulate, slower than float32.
bool cpu_has_bf16() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::string line;
  while (std::getline(cpuinfo, line))
    if (line.starts_with("flags"))
      return line.find("avx512_bf16") != std::string::npos || line.find("amx_bf16") != std::string::npos;
  return false;
}

torch::ScalarType type_of(NetworkOptions::Precision precision) {
  switch (precision) {
    case NetworkOptions::Precision::fp32:
      return torch::kFloat;
    case NetworkOptions::Precision::bf16:
      return torch::kBFloat16;
    case NetworkOptions::Precision::automatic:
      break;
  }
  return cpu_has_bf16() ? torch::kBFloat16 : torch::kFloat;
}

class FlashNetwork final : public Network {
 public:
  FlashNetwork(const Checkpoint& checkpoint, const NetworkOptions& options)
      : info_(checkpoint.info),
        module_(module_from(checkpoint)),
        type_(type_of(options.precision)),
        threads_(options.threads),
        make_features_(info_.pattern_size, info_.object_size) {
    torch::InferenceMode inference;
    module_->eval();
    for (auto& parameter : module_->parameters()) {
      const torch::Tensor values = parameter.to(type_);
      parameter.set_data(values.dim() == 4 ? values.contiguous(torch::MemoryFormat::ChannelsLast) : values);
    }
    for (const int batch : options.warm_up_batches) warm_up(batch);
  }

  const ModelInfo& info() const override { return info_; }
  std::string precision() const override { return type_ == torch::kBFloat16 ? "bf16" : "fp32"; }
  double flops() const { return module_->convolution_flops(); }

  void infer(const PatternBatch& patterns, ObjectBatch& objects) override {
    const int batch = patterns.count, m = info_.pattern_size, n = info_.object_size;
    if (patterns.size != m)
      throw std::invalid_argument("model " + info_.name + " takes patterns of " + std::to_string(m) +
                                  " pixels, not " + std::to_string(patterns.size));
    if (objects.count != batch || objects.size != n) objects = ObjectBatch(batch, n);
    if (batch == 0) return;
    torch::InferenceMode inference;
    if (at::get_num_threads() != threads_) at::set_num_threads(threads_);
    const torch::Tensor features = torch::empty({batch, m / 2, m / 2, kFeatureChannels}, torch::kFloat);
    const torch::Tensor modulus = torch::empty({batch, m, m}, torch::kFloat);
    const torch::Tensor measured = torch::empty({batch, m, m}, torch::kByte);
    scales_.resize(static_cast<std::size_t>(batch));
    const std::ptrdiff_t cells = static_cast<std::ptrdiff_t>(m) * m;
    for (int i = 0; i < batch; ++i)
      scales_[static_cast<std::size_t>(i)] = make_features_(
          patterns.intensity_of(i), patterns.measured_of(i),
          {features.data_ptr<float>() + i * cells / 4 * kFeatureChannels,
           modulus.data_ptr<float>() + i * cells, measured.data_ptr<std::uint8_t>() + i * cells});
    const torch::Tensor answer =
        module_->forward({features.permute({0, 3, 1, 2}), modulus, measured}).back().contiguous();
    for (int i = 0; i < batch; ++i)
      take_answer(answer.data_ptr<float>() + static_cast<std::ptrdiff_t>(i) * 2 * n * n, objects, i);
  }

 private:
  void take_answer(const float* planes, ObjectBatch& objects, int index) const {
    const float scale = scales_[static_cast<std::size_t>(index)];
    const float to_photons = scale > 0 ? 1.0f / scale : 0.0f;
    const auto object = objects.object_of(index);
    const auto support = objects.support_of(index);
    float largest = 0;
    for (std::size_t i = 0; i < object.size(); ++i) {
      object[i] = std::complex<float>(planes[i], planes[i + object.size()]) * to_photons;
      largest = std::max(largest, std::norm(object[i]));
    }
    const float threshold = kSupportThreshold * kSupportThreshold * largest;
    for (std::size_t i = 0; i < object.size(); ++i) support[i] = std::norm(object[i]) > threshold;
    objects.residual[static_cast<std::size_t>(index)] = -1.0f;
  }

  void warm_up(int batch) {
    PatternBatch patterns(batch, info_.pattern_size);
    std::fill(patterns.intensity.begin(), patterns.intensity.end(), 1.0f);
    ObjectBatch objects;
    for (int i = 0; i < 2; ++i) infer(patterns, objects);
  }

  ModelInfo info_;
  std::shared_ptr<FlashModule> module_;
  torch::ScalarType type_;
  int threads_;
  FeatureMaker make_features_;
  std::vector<float> scales_;
};

}  // namespace

std::unique_ptr<Network> make_flash_network(const std::string& path, const NetworkOptions& options) {
  return std::make_unique<FlashNetwork>(read_checkpoint(path), options);
}

double network_flops(const Network& network) {
  const auto* flash = dynamic_cast<const FlashNetwork*>(&network);
  return flash != nullptr ? flash->flops() : 0.0;
}

double measured_peak_flops(int threads, const std::string& precision) {
  torch::InferenceMode inference;
  at::set_num_threads(threads);
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

}  // namespace flashphase::infer
