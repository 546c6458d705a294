#include "engine/infer/modules/flash_module.h"

#include <string>

#include "engine/infer/features.h"

namespace flashphase::infer {
namespace {

constexpr int kLevels = 4;

}  // namespace

FlashModule::FlashModule(const FlashOptions& options) : options_(options) {
  const int grid = options_.pattern_size / 2, c = options_.channels;
  int in = kFeatureChannels;
  for (int level = 0; level < kLevels; ++level) {
    const int out = c << level, size = grid >> level;
    const std::string name = "down" + std::to_string(level);
    down_.push_back({add_convolution(name + "a", in, out, size, level == 0 ? 1 : 2),
                     add_convolution(name + "b", out, out, size)});
    in = out;
  }
  for (int level = kLevels - 2; level >= 0; --level) {
    const int out = c << level, size = grid >> level;
    const std::string name = "up" + std::to_string(level);
    up_.push_back({add_convolution(name + "a", 2 * out, out, size / 2, 1, 1),
                   add_convolution(name + "b", 2 * out, out, size)});
  }
  head_ = add_convolution("head", c, 2, grid);
  const int p = options_.physics_channels;
  for (int i = 0; i < options_.physics_layers; ++i) {
    const std::string name = "physics" + std::to_string(i);
    physics_.push_back({add_convolution(name + "a", 4 + c, p, grid), add_convolution(name + "b", p, p, grid),
                        add_convolution(name + "c", p, 2, grid)});
  }
  torch::NoGradGuard no_gradient;
  for (auto& layer : physics_) layer.third->weight.mul_(0.1);  // starts close to the bare projection
}

std::map<std::string, int> FlashModule::sizes() const {
  return {{"channels", options_.channels},
          {"physics_layers", options_.physics_layers},
          {"physics_channels", options_.physics_channels}};
}

std::vector<torch::Tensor> FlashModule::forward(const ModuleInput& input) {
  const auto type = type_of(head_);
  torch::Tensor x = with_channels(input.features.to(type), down_.front().first);
  std::vector<torch::Tensor> skips;
  for (auto& level : down_) {
    x = convolve_relu(level.second, convolve_relu(level.first, x));
    skips.push_back(x);
  }
  for (std::size_t i = 0; i < up_.size(); ++i) {
    // The 1x1 convolution runs before the upsampling: the same result for a quarter of the work.
    x = twice_as_large(convolve_relu(up_[i].first, x));
    x = convolve_relu(up_[i].second, torch::cat({x, skips[kLevels - 2 - i]}, 1));
  }
  const auto complex_of = [&](torch::nn::Conv2d& layer, const torch::Tensor& from) {
    return convolve(layer, from).slice(1, 0, 2);
  };
  std::vector<torch::Tensor> objects{complex_of(head_, x).to(torch::kFloat)};
  torch::Tensor seen;
  for (auto& layer : physics_) {
    const torch::Tensor object = objects.back();
    const torch::Tensor projected = project_modulus(object, input.modulus, input.measured);
    if (torch::GradMode::is_enabled()) {
      seen = torch::cat({object.to(type), projected.to(type), x}, 1)
                 .contiguous(torch::MemoryFormat::ChannelsLast);
    } else {  // what no layer changes is written once
      if (!seen.defined())
        seen = with_channels(torch::cat({object.to(type), projected.to(type), x}, 1), layer.first);
      seen.slice(1, 0, 2).copy_(object);
      seen.slice(1, 2, 4).copy_(projected);
    }
    const torch::Tensor correction =
        complex_of(layer.third, convolve_relu(layer.second, convolve_relu(layer.first, seen)));
    objects.push_back(projected + correction);  // float32 by promotion
  }
  return objects;
}

}  // namespace flashphase::infer
