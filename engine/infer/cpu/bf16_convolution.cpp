#include "engine/infer/cpu/bf16_convolution.h"

#include <algorithm>
#include <bit>

namespace flashphase::infer {
namespace {

constexpr int kLanes = kBf16Lanes;

int blocks_of(int channels) {
  return (channels + kLanes - 1) / kLanes;
}

}  // namespace

Bf16Map::Bf16Map(int edge, int channels)
    : edge_(edge),
      channels_(channels),
      values_(static_cast<std::size_t>(edge + 2) * static_cast<std::size_t>(edge + 2) *
              static_cast<std::size_t>(channels)) {}

Bf16Slice Bf16Map::from(int channel) const {
  const std::ptrdiff_t pixel = channels_, row = pixel * (edge_ + 2);
  return {values_.data() + row + pixel + channel, row, pixel};
}

bool Bf16Convolution::supported() {
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl");
}

Bf16Convolution::Bf16Convolution(const float* weight, const float* bias, int in, int out, int kernel,
                                 int stride)
    : in_(in),
      out_(out),
      kernel_(kernel),
      stride_(stride),
      weight_(static_cast<std::size_t>(blocks_of(out) * kernel * kernel * (in / 2) * kLanes)),
      bias_(static_cast<std::size_t>(blocks_of(out) * kLanes)) {
  std::copy_n(bias, out, bias_.data());
  auto* packed = weight_.data();
  for (int block = 0; block < blocks_of(out); ++block)
    for (int tap = 0; tap < kernel * kernel; ++tap)
      for (int pair = 0; pair < in / 2; ++pair)
        for (int lane = 0; lane < kLanes; ++lane, ++packed) {
          const int channel = block * kLanes + lane;
          std::uint32_t both = 0;
          for (int half = 0; half < 2 && channel < out; ++half) {
            const float value = weight[(channel * in + 2 * pair + half) * kernel * kernel + tap];
            both |= std::uint32_t{to_bf16(value)} << (16 * half);
          }
          *packed = std::bit_cast<float>(both);
        }
}

}  // namespace flashphase::infer
