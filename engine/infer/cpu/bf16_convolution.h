#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/fft/fft2.h"
#include "engine/infer/cpu/bf16_kernel.h"

namespace flashphase::infer {

/// The map behind such views; zero at first.
class Bf16Map {
 public:
  Bf16Map(int edge, int channels);
  Bf16Slice from(int channel) const;
  int edge() const { return edge_; }

 private:
  int edge_, channels_;
  mutable std::vector<std::uint16_t> values_;
};

/// Convolution with a bias, 3x3 or 1x1, for CPUs with AVX512_BF16: products of bfloat16, sums in float32.
/// Made for small maps and one frame at a time, where the overhead of a library's call is as long as the
/// work.
///
/// Thread: const calls from any number of threads.
class Bf16Convolution {
 public:
  /// Whether this CPU runs it.
  static bool supported();

  /// `weight` [out, in, kernel, kernel], `bias` [out]; `in` even.
  Bf16Convolution(const float* weight, const float* bias, int in, int out, int kernel, int stride);

  /// `edge` is that of the result.
  void relu(const Bf16Slice& in, int edge, const Bf16Slice& out) const {
    bf16_relu(weights(), in, edge, out);
  }
  /// The result goes to squares of 2x2 pixels: nearest-neighbour upsampling.
  void relu_upsampled(const Bf16Slice& in, int edge, const Bf16Slice& out) const {
    bf16_relu_upsampled(weights(), in, edge, out);
  }
  /// Without relu, the first two channels, as planes [edge, edge] of float32.
  void two_planes(const Bf16Slice& in, int edge, float* first, float* second) const {
    bf16_two_planes(weights(), in, edge, first, second);
  }

 private:
  Bf16Weights weights() const { return {weight_.data(), bias_.data(), in_, out_, kernel_, stride_}; }

  int in_, out_, kernel_, stride_;
  fft::AlignedFloats weight_, bias_;
};

/// Nearest bfloat16, ties to even. Precondition: finite.
inline std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

}  // namespace flashphase::infer
