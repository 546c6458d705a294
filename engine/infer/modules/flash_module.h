#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/infer/modules/flash_options.h"
#include "engine/infer/modules/network_module.h"

namespace flashphase::infer {

/// The network `flash`: a U-Net with skips from the features to a complex object, then physics layers: each
/// projects the current object on the measured modulus and lets a small convolutional block, which also sees
/// the U-Net's last features, correct it. Output: one object after the U-Net and one after each physics
/// layer. The projections always run in float32.
class FlashModule final : public NetworkModule {
 public:
  explicit FlashModule(const FlashOptions& options);
  std::vector<torch::Tensor> forward(const ModuleInput& input) override;
  std::string kind() const override { return "flash"; }
  int pattern_size() const override { return options_.pattern_size; }
  int object_size() const override { return options_.object_size; }
  std::map<std::string, int> sizes() const override;
  bool takes_padded_channels() const override { return options_.channels % 8 == 0; }  // skips are joined
  const FlashOptions& options() const { return options_; }

 private:
  struct Level {
    torch::nn::Conv2d first{nullptr}, second{nullptr};
  };
  struct Physics {
    torch::nn::Conv2d first{nullptr}, second{nullptr}, third{nullptr};
  };
  FlashOptions options_;
  std::vector<Level> down_, up_;
  torch::nn::Conv2d head_{nullptr};
  std::vector<Physics> physics_;
};

/// ModulusProjection::project on a batch, with gradient. object [B, 2, n, n] float32; returns the
/// same shape.
torch::Tensor project_modulus(const torch::Tensor& object, const torch::Tensor& modulus,
                              const torch::Tensor& measured);

/// ModulusProjection::chi2 on a batch, with gradient. object [B, 2, n, n], modulus [B, m, m]; returns [B].
torch::Tensor modulus_chi2(const torch::Tensor& object, const torch::Tensor& modulus);

}  // namespace flashphase::infer
