#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/infer/modules/network_module.h"
#include "engine/infer/modules/wu2021_options.h"

namespace flashphase::infer {

/// What the network `wu2021` gives before it is made complex; both [B, n, n] float32, not negative.
struct Wu2021Answer {
  torch::Tensor amplitude;  ///< in the scale of the normalised modulus
  torch::Tensor phase;      ///< (angle + pi) / (2 pi): the angles (-pi, pi] are (0, 1]
};

/// The network of L. Wu, P. Juhas, S. Yoo, I. Robinson, IUCrJ 8 (2021) 12-21: four encoder levels of a block
/// and a max-pool, a block as bottleneck whose channels are split between two decoders of three upsamplings
/// with a block each, and a last 3x3 convolution with ReLU: amplitude and phase. A block: 3x3 convolution,
/// leaky ReLU, batch norm; 3x1 and 1x3 convolution, leaky ReLU, batch norm. No skips. Input: sqrt(I) scaled
/// to a maximum of 1.
///
/// Chosen where the text leaves it open: blocks of the decoders run after their upsampling, with the channels
/// 256, 128, 64 (what makes the 1.46 GFLOP and 6.6 M parameters), nearest neighbours, slope 0.01. Other than
/// in the paper, the amplitude is not scaled to a maximum of 1 but to the normalised modulus, as all networks
/// here, so that the answer carries the scale of its pattern.
class Wu2021Module final : public NetworkModule {
 public:
  explicit Wu2021Module(const Wu2021Options& options);
  std::vector<torch::Tensor> forward(const ModuleInput& input) override;
  Wu2021Answer decode(const ModuleInput& input);
  std::string kind() const override { return "wu2021"; }
  int pattern_size() const override { return options_.pattern_size; }
  int object_size() const override { return options_.object_size; }
  std::map<std::string, int> sizes() const override { return {{"channels", options_.channels}}; }

 private:
  struct Block {
    torch::nn::Conv2d square{nullptr}, tall{nullptr}, wide{nullptr};
    torch::nn::BatchNorm2d first_norm{nullptr}, second_norm{nullptr};
  };
  struct Decoder {
    std::vector<Block> blocks;
    torch::nn::Conv2d head{nullptr};
  };
  Block add_block(const std::string& name, int in, int out, int grid);
  Decoder add_decoder(const std::string& name);
  torch::Tensor run(Block& block, const torch::Tensor& x) const;
  torch::Tensor run(Decoder& decoder, torch::Tensor x) const;

  Wu2021Options options_;
  std::vector<Block> encoder_;
  Block bottleneck_;
  Decoder amplitude_, phase_;
};

/// [B, 2, n, n] (real, imaginary).
torch::Tensor object_of(const Wu2021Answer& answer);

}  // namespace flashphase::infer
