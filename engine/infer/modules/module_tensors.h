#pragma once

#include "engine/infer/modules/network_module.h"
#include "engine/infer/staged_network.h"

namespace flashphase::infer {

/// The way from patterns to results as tensor operations alone, for any device of LibTorch: the same numbers
/// as FeatureMaker, ModulusProjection and score::ModulusScorer give on the CPU, up to rounding. Nothing here
/// waits for the device or depends on values, so that it can be captured in a graph.

/// What FeatureMaker makes of a batch.
struct TensorFeatures {
  ModuleInput input;
  torch::Tensor scale;  ///< [B] from sqrt(I) to input.modulus; 0 for a pattern without signal
};
TensorFeatures features_of(const torch::Tensor& intensity, const torch::Tensor& measured);

/// ModulusProjection::project and project_backward (here differentiable once).
torch::Tensor project_on_tensors(const torch::Tensor& object, const torch::Tensor& modulus,
                                 const torch::Tensor& measured);

/// The same by one kernel where there is one for this size. Precondition: the tensors are on a GPU; modulus
/// and measured are contiguous.
torch::Tensor project_on_device(const torch::Tensor& object, const torch::Tensor& modulus,
                                const torch::Tensor& measured);

/// ModulusProjection::chi2 and chi2_backward.
torch::Tensor chi2_on_tensors(const torch::Tensor& object, const torch::Tensor& modulus);

/// |F| of objects [B, 2, n, n], with gradient: [B, m, m] in the layout of fft::Fft2.
torch::Tensor modulus_of(const torch::Tensor& object, std::int64_t m);

/// score::ModulusScorer's residual [B] of objects [B, 2, n, n] of any scale.
torch::Tensor residual_on_tensors(const torch::Tensor& object, const ModuleInput& input);

/// Reads a block of `bucket` patterns and writes the block of results (uint8, laid out by `layout`).
void infer_blocks(NetworkModule& module, const BlockLayout& layout, int bucket, const torch::Tensor& in,
                  const torch::Tensor& out);

/// Prepares the module for inference: on `device`, convolutions in `type`, channels last; batch norms stay
/// float32.
void to_inference(NetworkModule& module, torch::ScalarType type, torch::Device device = torch::kCPU);

}  // namespace flashphase::infer
