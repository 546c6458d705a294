#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "engine/infer/flash_options.h"

namespace flashphase::infer {

/// Batch as the module takes it.
struct FlashInput {
  torch::Tensor features;  ///< [B, kFeatureChannels, m/2, m/2] channels last
  torch::Tensor modulus;   ///< [B, m, m] float32, layout of fft::Fft2
  torch::Tensor measured;  ///< [B, m, m] uint8, same layout
};

/// The network `flash`: a U-Net with skips from the features to a complex object, then physics layers: each
/// projects the current object on the measured modulus and lets a small convolutional block, which also sees
/// the U-Net's last features, correct it. Output: objects [B, 2, n, n] float32 (real, imaginary) in the scale
/// of the normalised modulus, one after the U-Net and one after each physics layer; the last is the answer.
///
/// Convolutions run in the type of the weights (float32 or bfloat16), the projections always in float32.
class FlashModule : public torch::nn::Module {
 public:
  explicit FlashModule(const FlashOptions& options);
  std::vector<torch::Tensor> forward(const FlashInput& input);
  const FlashOptions& options() const { return options_; }
  /// Floating-point operations of the convolutions for one pattern (a multiply-add counts as two).
  double convolution_flops() const;
  /// When set, convolutions run in bfloat16 although the weights stay float32 (mixed-precision training).
  bool mixed_precision = false;

 private:
  struct Level {
    torch::nn::Conv2d first{nullptr}, second{nullptr};
  };
  struct Physics {
    torch::nn::Conv2d first{nullptr}, second{nullptr}, third{nullptr};
  };
  torch::nn::Conv2d add_convolution(const std::string& name, int in, int out, int grid, int stride = 1,
                                    int kernel = 3);
  torch::Tensor convolve(torch::nn::Conv2d& layer, const torch::Tensor& x) const;
  torch::Tensor convolve_relu(torch::nn::Conv2d& layer, const torch::Tensor& x) const;

  FlashOptions options_;
  double flops_ = 0;
  std::vector<Level> down_, up_;
  torch::nn::Conv2d head_{nullptr};
  std::vector<Physics> physics_;
};

/// ModulusProjection::project on a batch, with gradient on the CPU. object [B, 2, n, n] float32; returns the
/// same shape.
torch::Tensor project_modulus(const torch::Tensor& object, const torch::Tensor& modulus,
                              const torch::Tensor& measured);

/// ModulusProjection::chi2 on a batch, with gradient. object [B, 2, n, n], modulus [B, m, m]; returns [B].
torch::Tensor modulus_chi2(const torch::Tensor& object, const torch::Tensor& modulus);

}  // namespace flashphase::infer
