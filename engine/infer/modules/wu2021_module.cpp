#include "engine/infer/modules/wu2021_module.h"

#include <numbers>

namespace flashphase::infer {
namespace {

constexpr int kLevels = 4, kUpsamplings = 3;
constexpr double kSlope = 0.01;

}  // namespace

Wu2021Module::Wu2021Module(const Wu2021Options& options) : options_(options) {
  int in = 1;
  for (int level = 0; level < kLevels; ++level) {
    const int out = options_.channels << level;
    encoder_.push_back(add_block("encoder" + std::to_string(level), in, out, options_.pattern_size >> level));
    in = out;
  }
  bottleneck_ = add_block("bottleneck", in, 2 * in, options_.pattern_size >> kLevels);
  amplitude_ = add_decoder("amplitude");
  phase_ = add_decoder("phase");
}

Wu2021Module::Block Wu2021Module::add_block(const std::string& name, int in, int out, int grid) {
  const auto norm = [&](const std::string& part) {
    return register_module(name + part, torch::nn::BatchNorm2d(out));
  };
  return {add_convolution(name + "a", in, out, grid), add_convolution(name + "b", out, out, grid, 1, {3, 1}),
          add_convolution(name + "c", out, out, grid, 1, {1, 3}), norm("a_norm"), norm("c_norm")};
}

Wu2021Module::Decoder Wu2021Module::add_decoder(const std::string& name) {
  Decoder decoder;
  int in = options_.channels << (kLevels - 1), grid = options_.pattern_size >> kLevels;
  for (int i = 0; i < kUpsamplings; ++i) {
    const int out = options_.channels << (kLevels - 1 - i);
    grid *= 2;
    decoder.blocks.push_back(add_block(name + std::to_string(i), in, out, grid));
    in = out;
  }
  decoder.head = add_convolution(name + "_head", in, 1, grid);
  return decoder;
}

torch::Tensor Wu2021Module::run(Block& block, const torch::Tensor& x) const {
  torch::Tensor y = convolve(block.square, x);
  y = convolve(block.wide, convolve(block.tall, block.first_norm(torch::leaky_relu_(y, kSlope))));
  return block.second_norm(torch::leaky_relu_(y, kSlope));
}

torch::Tensor Wu2021Module::run(Decoder& decoder, torch::Tensor x) const {
  for (Block& block : decoder.blocks) x = run(block, twice_as_large(x));
  return convolve(decoder.head, x).relu_().squeeze(1).to(torch::kFloat);
}

Wu2021Answer Wu2021Module::decode(const ModuleInput& input) {
  // The first four features are sqrt(I), its maximum 1, in 2x2 blocks.
  torch::Tensor x = torch::pixel_shuffle(input.features.slice(1, 0, 4), 2).to(type_of(bottleneck_.square));
  for (Block& block : encoder_) x = torch::max_pool2d(run(block, x), 2);
  const auto halves = run(bottleneck_, x).chunk(2, 1);
  return {run(amplitude_, halves[0]), run(phase_, halves[1])};
}

torch::Tensor object_of(const Wu2021Answer& answer) {
  const torch::Tensor angle = (2 * answer.phase - 1) * std::numbers::pi;
  return torch::stack({answer.amplitude * angle.cos(), answer.amplitude * angle.sin()}, 1);
}

std::vector<torch::Tensor> Wu2021Module::forward(const ModuleInput& input) {
  return {object_of(decode(input))};
}

}  // namespace flashphase::infer
