#include "engine/infer/modules/module_checkpoint.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "engine/infer/modules/flash_module.h"
#include "engine/infer/modules/wu2021_module.h"

namespace flashphase::infer {
namespace {

int size_of(const Checkpoint& checkpoint, const std::string& key, int least, int most) {
  const auto found = checkpoint.sizes.find(key);
  if (found == checkpoint.sizes.end() || found->second < least || found->second > most)
    throw std::runtime_error("model " + checkpoint.info.name + " needs sizes." + key + " between " +
                             std::to_string(least) + " and " + std::to_string(most));
  return found->second;
}

/// With arbitrary weights.
std::shared_ptr<NetworkModule> module_of_size(const Checkpoint& checkpoint) {
  const int m = checkpoint.info.pattern_size, n = checkpoint.info.object_size;
  if (m < 16 || m > 1024 || m % 16 != 0 || n * 2 != m)
    throw std::runtime_error(
        "model " + checkpoint.info.name +
        " needs a pattern_size that is a multiple of 16 up to 1024 and twice its object_size");
  if (checkpoint.network == "flash")
    return std::make_shared<FlashModule>(FlashOptions{m, n, size_of(checkpoint, "channels", 1, 512),
                                                      size_of(checkpoint, "physics_layers", 0, 64),
                                                      size_of(checkpoint, "physics_channels", 1, 512)});
  if (checkpoint.network == "wu2021")
    return std::make_shared<Wu2021Module>(Wu2021Options{m, n, size_of(checkpoint, "channels", 1, 256)});
  throw std::runtime_error("model " + checkpoint.info.name + " is a network of kind '" + checkpoint.network +
                           "'; this program has 'flash' and 'wu2021'");
}

}  // namespace

std::shared_ptr<NetworkModule> make_flash_module(const FlashOptions& options, std::uint64_t seed) {
  torch::manual_seed(seed);
  return std::make_shared<FlashModule>(options);
}

std::shared_ptr<NetworkModule> make_wu2021_module(const Wu2021Options& options, std::uint64_t seed) {
  torch::manual_seed(seed);
  return std::make_shared<Wu2021Module>(options);
}

void store_module(const NetworkModule& module, Checkpoint& checkpoint) {
  checkpoint.network = module.kind();
  checkpoint.info.pattern_size = module.pattern_size();
  checkpoint.info.object_size = module.object_size();
  checkpoint.sizes = module.sizes();
  checkpoint.tensors.clear();
  for (const auto& item : module.state()) {
    const torch::Tensor values = item.value().detach().to(torch::kCPU, torch::kFloat).contiguous();
    const float* data = values.data_ptr<float>();
    checkpoint.tensors.push_back({item.key(), values.sizes().vec(), {data, data + values.numel()}});
  }
}

std::shared_ptr<NetworkModule> module_from(const Checkpoint& checkpoint) {
  auto module = module_of_size(checkpoint);
  torch::NoGradGuard no_gradient;
  auto state = module->state();
  if (state.size() != checkpoint.tensors.size())
    throw std::runtime_error("model " + checkpoint.info.name + " holds " +
                             std::to_string(checkpoint.tensors.size()) + " tensors where its sizes ask for " +
                             std::to_string(state.size()));
  for (const auto& tensor : checkpoint.tensors) {
    torch::Tensor* part = state.find(tensor.name);
    if (part == nullptr || part->sizes() != torch::IntArrayRef(tensor.shape))
      throw std::runtime_error("model " + checkpoint.info.name + " has a tensor " + tensor.name +
                               " that does not fit its sizes");
    if (!std::all_of(tensor.values.begin(), tensor.values.end(), [](float v) { return v - v == 0; }))
      throw std::runtime_error("model " + checkpoint.info.name + " has a weight in " + tensor.name +
                               " that is not finite");
    std::copy(tensor.values.begin(), tensor.values.end(), part->data_ptr<float>());
  }
  return module;
}

}  // namespace flashphase::infer
