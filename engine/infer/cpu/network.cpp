#include "engine/infer/cpu/network.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "engine/infer/cpu/bf16_flash.h"
#include "engine/infer/features.h"
#include "engine/infer/modules/flash_module.h"
#include "engine/infer/modules/module_checkpoint.h"
#include "engine/infer/modules/module_tensors.h"

namespace flashphase::infer {
namespace {

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
    case NetworkOptions::Precision::fp16:
      throw std::runtime_error("fp16 needs a GPU; the CPU has fp32 and bf16");
    case NetworkOptions::Precision::automatic:
      break;
  }
  return cpu_has_bf16() ? torch::kBFloat16 : torch::kFloat;
}

/// Any network by LibTorch, on any CPU.
class TorchNetwork final : public Network {
 public:
  TorchNetwork(ModelInfo info, std::shared_ptr<NetworkModule> module, const NetworkOptions& options)
      : info_(std::move(info)),
        module_(std::move(module)),
        type_(type_of(options.precision)),
        threads_(options.threads),
        make_features_(info_.pattern_size, info_.object_size) {
    to_inference(*module_, type_);
    for (const int batch : options.warm_up_batches) warm_up(batch);
  }

  const ModelInfo& info() const override { return info_; }
  std::string precision() const override { return type_ == torch::kBFloat16 ? "bf16" : "fp32"; }

  void infer(const PatternBatch& patterns, ObjectBatch& objects) override {
    const int batch = patterns.count, m = info_.pattern_size, n = info_.object_size;
    check_size(info_, patterns);
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
    for (int i = 0; i < batch; ++i) {
      const float* re = answer.data_ptr<float>() + static_cast<std::ptrdiff_t>(i) * 2 * n * n;
      take_answer(re, re + static_cast<std::ptrdiff_t>(n) * n, scales_[static_cast<std::size_t>(i)], objects,
                  i);
    }
  }

 private:
  void warm_up(int batch) {
    PatternBatch patterns(batch, info_.pattern_size);
    std::fill(patterns.intensity.begin(), patterns.intensity.end(), 1.0f);
    ObjectBatch objects;
    for (int i = 0; i < 2; ++i) infer(patterns, objects);
  }

  ModelInfo info_;
  std::shared_ptr<NetworkModule> module_;
  torch::ScalarType type_;
  int threads_;
  FeatureMaker make_features_;
  std::vector<float> scales_;
};

/// `flash` for CPUs with AVX512_BF16: frame by frame, each on one thread.
class Bf16Network final : public Network {
 public:
  Bf16Network(const Checkpoint& checkpoint, const FlashOptions& sizes, int threads)
      : info_(checkpoint.info), threads_(threads) {
    for (int i = 0; i < threads; ++i) workers_.push_back(std::make_unique<Worker>(checkpoint, sizes));
  }

  const ModelInfo& info() const override { return info_; }
  std::string precision() const override { return "bf16"; }

  void infer(const PatternBatch& patterns, ObjectBatch& objects) override {
    check_size(info_, patterns);
    if (objects.count != patterns.count || objects.size != info_.object_size)
      objects = ObjectBatch(patterns.count, info_.object_size);
    if (at::get_num_threads() != threads_) at::set_num_threads(threads_);
    at::parallel_for(0, patterns.count, 1, [&](std::int64_t begin, std::int64_t end) {
      Worker& worker = *workers_[static_cast<std::size_t>(at::get_thread_num())];
      for (std::int64_t i = begin; i < end; ++i) worker(patterns, objects, static_cast<int>(i));
    });
  }

 private:
  struct Worker {
    FeatureMaker make_features;
    Bf16Flash flash;
    std::vector<float> features, modulus, re, im;
    std::vector<std::uint8_t> measured;

    Worker(const Checkpoint& checkpoint, const FlashOptions& sizes)
        : make_features(sizes.pattern_size, sizes.object_size), flash(checkpoint, sizes) {
      const auto m = static_cast<std::size_t>(sizes.pattern_size),
                 n = static_cast<std::size_t>(sizes.object_size);
      features.resize(m * m / 4 * kFeatureChannels);
      modulus.resize(m * m);
      measured.resize(m * m);
      re.resize(n * n);
      im.resize(n * n);
    }

    void operator()(const PatternBatch& patterns, ObjectBatch& objects, int index) {
      const float scale = make_features(patterns.intensity_of(index), patterns.measured_of(index),
                                        {features.data(), modulus.data(), measured.data()});
      flash(features.data(), modulus.data(), measured.data(), re.data(), im.data());
      take_answer(re.data(), im.data(), scale, objects, index);
    }
  };

  ModelInfo info_;
  int threads_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace

std::unique_ptr<Network> make_cpu_network(const Checkpoint& checkpoint, const NetworkOptions& options) {
  auto module = module_from(checkpoint);
  const auto* flash = dynamic_cast<const FlashModule*>(module.get());
  if (flash != nullptr && type_of(options.precision) == torch::kBFloat16 &&
      Bf16Flash::supports(flash->options()))
    return std::make_unique<Bf16Network>(checkpoint, flash->options(), options.threads);
  return std::make_unique<TorchNetwork>(checkpoint.info, std::move(module), options);
}

}  // namespace flashphase::infer
