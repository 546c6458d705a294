#include "engine/infer/flash_checkpoint.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "engine/infer/flash_module.h"

namespace flashphase::infer {
namespace {

int size_of(const Checkpoint& checkpoint, const std::string& key, int least, int most) {
  const auto found = checkpoint.sizes.find(key);
  if (found == checkpoint.sizes.end() || found->second < least || found->second > most)
    throw std::runtime_error("model " + checkpoint.info.name + " needs sizes." + key + " between " +
                             std::to_string(least) + " and " + std::to_string(most));
  return found->second;
}

}  // namespace

std::shared_ptr<FlashModule> make_flash_module(const FlashOptions& options, std::uint64_t seed) {
  torch::manual_seed(seed);
  return std::make_shared<FlashModule>(options);
}

void store_module(const FlashModule& module, Checkpoint& checkpoint) {
  checkpoint.network = "flash";
  checkpoint.info.pattern_size = module.options().pattern_size;
  checkpoint.info.object_size = module.options().object_size;
  checkpoint.sizes = {{"channels", module.options().channels},
                      {"physics_layers", module.options().physics_layers},
                      {"physics_channels", module.options().physics_channels}};
  checkpoint.tensors.clear();
  for (const auto& item : module.named_parameters()) {
    const torch::Tensor values = item.value().detach().to(torch::kFloat).contiguous();
    const float* data = values.data_ptr<float>();
    checkpoint.tensors.push_back({item.key(), values.sizes().vec(), {data, data + values.numel()}});
  }
}

std::shared_ptr<FlashModule> module_from(const Checkpoint& checkpoint) {
  if (checkpoint.network != "flash")
    throw std::runtime_error("model " + checkpoint.info.name + " is a network of kind '" +
                             checkpoint.network + "'; this program has 'flash'");
  FlashOptions options;
  options.pattern_size = checkpoint.info.pattern_size;
  options.object_size = checkpoint.info.object_size;
  options.channels = size_of(checkpoint, "channels", 1, 512);
  options.physics_layers = size_of(checkpoint, "physics_layers", 0, 64);
  options.physics_channels = size_of(checkpoint, "physics_channels", 1, 512);
  if (options.pattern_size < 16 || options.pattern_size > 1024 || options.pattern_size % 16 != 0 ||
      options.object_size * 2 != options.pattern_size)
    throw std::runtime_error(
        "model " + checkpoint.info.name +
        " needs a pattern_size that is a multiple of 16 up to 1024 and twice its object_size");
  auto module = std::make_shared<FlashModule>(options);
  torch::NoGradGuard no_gradient;
  auto parameters = module->named_parameters();
  if (parameters.size() != checkpoint.tensors.size())
    throw std::runtime_error("model " + checkpoint.info.name + " holds " +
                             std::to_string(checkpoint.tensors.size()) + " tensors where its sizes ask for " +
                             std::to_string(parameters.size()));
  for (const auto& tensor : checkpoint.tensors) {
    torch::Tensor* parameter = parameters.find(tensor.name);
    if (parameter == nullptr || parameter->sizes() != torch::IntArrayRef(tensor.shape))
      throw std::runtime_error("model " + checkpoint.info.name + " has a tensor " + tensor.name +
                               " that does not fit its sizes");
    if (!std::all_of(tensor.values.begin(), tensor.values.end(), [](float v) { return v - v == 0; }))
      throw std::runtime_error("model " + checkpoint.info.name + " has a weight in " + tensor.name +
                               " that is not finite");
    std::copy(tensor.values.begin(), tensor.values.end(), parameter->data_ptr<float>());
  }
  return module;
}

}  // namespace flashphase::infer
