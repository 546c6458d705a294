#include "engine/infer/modules/network_module.h"

#include <torch/nn/init.h>

namespace flashphase::infer {

torch::OrderedDict<std::string, torch::Tensor> NetworkModule::state() const {
  auto state = named_parameters();
  for (const auto& buffer : named_buffers())
    if (buffer.value().is_floating_point())
      state.insert(buffer.key(), buffer.value());  // counters are not used
  return state;
}

torch::nn::Conv2d NetworkModule::add_convolution(const std::string& name, int in, int out, int grid,
                                                 int stride, torch::ExpandingArray<2> kernel) {
  const auto height = kernel->at(0), width = kernel->at(1);
  auto layer = register_module(
      name, torch::nn::Conv2d(
                torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding({height / 2, width / 2})));
  torch::NoGradGuard no_gradient;
  torch::nn::init::kaiming_normal_(layer->weight, 0.0, torch::kFanIn, torch::kReLU);
  layer->bias.zero_();
  flops_ += 2.0 * grid * grid * in * out * static_cast<double>(height * width);
  return layer;
}

torch::ScalarType NetworkModule::type_of(const torch::nn::Conv2d& layer) const {
  return mixed_precision ? torch::kBFloat16 : layer->weight.scalar_type();
}

torch::Tensor NetworkModule::convolve(torch::nn::Conv2d& layer, const torch::Tensor& x) const {
  const auto& options = layer->options;
  auto weight = layer->weight;
  auto bias = layer->bias;
  if (mixed_precision) {
    weight = weight.to(torch::kBFloat16);
    bias = bias.to(torch::kBFloat16);
  }
  return torch::conv2d(x, weight, bias, options.stride(),
                       {options.kernel_size()->at(0) / 2, options.kernel_size()->at(1) / 2});
}

torch::Tensor NetworkModule::convolve_relu(torch::nn::Conv2d& layer, const torch::Tensor& x) const {
  if (torch::GradMode::is_enabled() || !x.is_cuda()) return convolve(layer, x).relu_();
  const auto& options = layer->options;
  return torch::cudnn_convolution_relu(x, layer->weight, layer->bias, options.stride(),
                                       {options.kernel_size()->at(0) / 2, options.kernel_size()->at(1) / 2},
                                       {1, 1}, 1);
}

torch::Tensor NetworkModule::with_channels(const torch::Tensor& x, const torch::nn::Conv2d& layer) {
  const std::int64_t missing = layer->weight.size(1) - x.size(1);
  const torch::Tensor whole = missing > 0 ? torch::constant_pad_nd(x, {0, 0, 0, 0, 0, missing}) : x;
  return whole.contiguous(torch::MemoryFormat::ChannelsLast);
}

void pad_channels(NetworkModule& module, std::int64_t multiple) {
  const torch::NoGradGuard no_gradient;
  const auto missing = [&](std::int64_t channels) { return (multiple - channels % multiple) % multiple; };
  for (const auto& layer : module.modules(false)) {
    auto* convolution = layer->as<torch::nn::Conv2d>();
    if (convolution == nullptr) continue;
    torch::Tensor &weight = convolution->weight, &bias = convolution->bias;
    const std::int64_t in = missing(weight.size(1)), out = missing(weight.size(0));
    weight.set_data(torch::constant_pad_nd(weight, {0, 0, 0, 0, 0, in, 0, out}));
    bias.set_data(torch::constant_pad_nd(bias, {0, out}));
  }
}

torch::Tensor twice_as_large(const torch::Tensor& x) {
  return torch::upsample_nearest2d(x, {x.size(2) * 2, x.size(3) * 2});
}

}  // namespace flashphase::infer
