#pragma once

#include <cstddef>
#include <cstdint>

namespace flashphase::infer {

/// Part of the channels of a square map of bfloat16 values, channels last, with a border of one pixel of
/// zeros all round. A view.
struct Bf16Slice {
  std::uint16_t* origin = nullptr;  ///< pixel [0, 0], first channel of the part
  std::ptrdiff_t row = 0;           ///< from a row to the next, in values
  std::ptrdiff_t pixel = 0;         ///< from a pixel to the next, in values
};

/// A convolution's numbers in the order in which the kernel reads them; kBf16Lanes output channels make a
/// block.
inline constexpr int kBf16Lanes = 16;
struct Bf16Weights {
  const float* weight =
      nullptr;  ///< pairs of bfloat16 [block, kernel, kernel, in / 2, lane, 2], 64-byte aligned
  const float* bias = nullptr;  ///< [block, lane]
  int in = 0, out = 0, kernel = 0, stride = 0;
};

/// See Bf16Convolution. Compiled for AVX512_BF16: for CPUs that have it.
void bf16_relu(const Bf16Weights& weights, const Bf16Slice& in, int edge, const Bf16Slice& out);
void bf16_relu_upsampled(const Bf16Weights& weights, const Bf16Slice& in, int edge, const Bf16Slice& out);
void bf16_two_planes(const Bf16Weights& weights, const Bf16Slice& in, int edge, float* first, float* second);

}  // namespace flashphase::infer
