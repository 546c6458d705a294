#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>

#include <map>
#include <string>
#include <vector>

namespace flashphase::infer {

/// Batch as the modules take it, whichever network: what FeatureMaker makes of patterns.
struct ModuleInput {
  torch::Tensor features;  ///< [B, kFeatureChannels, m/2, m/2] channels last
  torch::Tensor modulus;   ///< [B, m, m] float32, layout of fft::Fft2
  torch::Tensor measured;  ///< [B, m, m] uint8, same layout
};

/// A network as LibTorch sees it. Seam: FlashModule, Wu2021Module.
///
/// Convolutions run in the type of the weights (float32, bfloat16 or float16).
class NetworkModule : public torch::nn::Module {
 public:
  /// Objects [B, 2, n, n] float32 (real, imaginary) in the scale of the normalised modulus, in the order in
  /// which the network comes to them; the last is the answer.
  virtual std::vector<torch::Tensor> forward(const ModuleInput& input) = 0;
  /// As in Checkpoint::network, e.g. "flash".
  virtual std::string kind() const = 0;
  virtual int pattern_size() const = 0;  ///< m
  virtual int object_size() const = 0;   ///< n
  /// As in Checkpoint::sizes.
  virtual std::map<std::string, int> sizes() const = 0;
  /// Whether its answer stays the same when pad_channels() has added channels of zeros to its convolutions.
  virtual bool takes_padded_channels() const { return false; }
  /// Floating-point operations of the convolutions for one pattern (a multiply-add counts as two).
  double convolution_flops() const { return flops_; }
  /// All that makes the answer, by name: weights, and the statistics of batch norms. Shares memory with the
  /// module.
  torch::OrderedDict<std::string, torch::Tensor> state() const;
  /// When set, convolutions run in bfloat16 although the weights stay float32 (mixed-precision training).
  bool mixed_precision = false;

 protected:
  /// Registers a convolution that keeps the size of its `grid` x `grid` output times `stride`, weights drawn
  /// (He et al. 2015), and counts its work. `kernel`: height and width, odd.
  torch::nn::Conv2d add_convolution(const std::string& name, int in, int out, int grid, int stride = 1,
                                    torch::ExpandingArray<2> kernel = 3);
  torch::Tensor convolve(torch::nn::Conv2d& layer, const torch::Tensor& x) const;
  /// max(0, convolve()); one kernel on a GPU where no gradient is asked for.
  torch::Tensor convolve_relu(torch::nn::Conv2d& layer, const torch::Tensor& x) const;
  /// x channels last, with channels of zeros up to what the layer takes.
  static torch::Tensor with_channels(const torch::Tensor& x, const torch::nn::Conv2d& layer);
  /// The type that convolutions run in, given any of them.
  torch::ScalarType type_of(const torch::nn::Conv2d& layer) const;

 private:
  double flops_ = 0;
};

/// Adds zeros to the weights of every convolution until input and output channels are multiples of
/// `multiple`: what the matrix units of a GPU take without copies of their own. Precondition:
/// takes_padded_channels().
void pad_channels(NetworkModule& module, std::int64_t multiple);

/// Nearest neighbours.
torch::Tensor twice_as_large(const torch::Tensor& x);

}  // namespace flashphase::infer
