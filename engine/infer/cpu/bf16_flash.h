#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/infer/checkpoint.h"
#include "engine/infer/cpu/bf16_convolution.h"
#include "engine/infer/modules/flash_options.h"
#include "engine/infer/modulus_projection.h"

namespace flashphase::infer {

/// FlashModule's forward for one frame, without LibTorch: bfloat16 convolutions, projections in float32.
///
/// Thread: one instance per thread. No allocation per call.
class Bf16Flash {
 public:
  /// Whether this CPU and these sizes fit.
  static bool supports(const FlashOptions& options);

  /// Precondition: module_from() takes the checkpoint, and supports().
  Bf16Flash(const Checkpoint& checkpoint, const FlashOptions& options);

  /// The three inputs as FeatureMaker writes them; `re`, `im` [n, n] in the scale of the normalised modulus.
  void operator()(const float* features, const float* modulus, const std::uint8_t* measured, float* re,
                  float* im);

 private:
  struct Level {
    Bf16Convolution first, second;
    Bf16Map between;
  };
  struct Physics {
    Bf16Convolution first, second, third;
  };
  Bf16Convolution convolution(const std::string& name, int in, int out, int stride = 1, int kernel = 3) const;
  void unet(const float* features, float* re, float* im);

  const Checkpoint* checkpoint_;  // while it is made
  FlashOptions options_;
  ModulusProjection projection_;
  Bf16Map features_, bottom_;
  std::vector<Bf16Map> joined_;  // per level but the last: what comes up, and the skip
  std::vector<Level> down_, up_;
  Bf16Convolution head_;
  std::vector<Physics> physics_;
  Bf16Map seen_, hidden_first_, hidden_second_;  // object, projected object, the U-Net's last features
  std::vector<float> projected_, correction_;    // planes
};

}  // namespace flashphase::infer
