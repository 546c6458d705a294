#include "engine/infer/cpu/bf16_kernel.h"

#include <immintrin.h>

#include <cstring>

namespace flashphase::infer {
namespace {

constexpr int kPixels = 12;  // pixels whose sums are kept in registers

int smaller(int a, int b) {
  return a < b ? a : b;
}

/// Calls store(y, x, sums, block) with the 16 channels of `block` at each pixel.
template <class Store>
void convolve(const Bf16Weights& weights, const Bf16Slice& in, int edge, const Store& store) {
  const int pixels = edge * edge, pad = weights.kernel / 2;
  const float* block_weight = weights.weight;
  for (int block = 0; block * kBf16Lanes < weights.out; ++block) {
    const __m512 bias = _mm512_load_ps(weights.bias + block * kBf16Lanes);
    const float* weight = block_weight;
    for (int first = 0; first < pixels; first += kPixels) {
      const std::uint16_t* from[kPixels];
      __m512 sums[kPixels];
      for (int i = 0; i < kPixels; ++i) {
        const int p = smaller(first + i, pixels - 1), y = p / edge, x = p % edge;
        from[i] = in.origin + (y * weights.stride - pad) * in.row + (x * weights.stride - pad) * in.pixel;
        sums[i] = bias;
      }
      weight = block_weight;
      for (int dy = 0; dy < weights.kernel; ++dy)
        for (int dx = 0; dx < weights.kernel; ++dx) {
          const std::ptrdiff_t tap = dy * in.row + dx * in.pixel;
          for (std::ptrdiff_t c = tap; c < tap + weights.in; c += 2, weight += kBf16Lanes) {
            const __m512bh w = (__m512bh)_mm512_load_ps(weight);
#pragma GCC unroll 16
            for (int i = 0; i < kPixels; ++i) {
              int pair;
              std::memcpy(&pair, from[i] + c, sizeof pair);
              sums[i] = _mm512_dpbf16_ps(sums[i], w, (__m512bh)_mm512_set1_epi32(pair));
            }
          }
        }
      for (int i = 0; i < smaller(kPixels, pixels - first); ++i)
        store((first + i) / edge, (first + i) % edge, sums[i], block);
    }
    block_weight = weight;
  }
}

/// Stores up to 16 channels of one pixel after relu.
void store_relu(std::uint16_t* to, __m512 sums, int channels, int block) {
  const int count = smaller(kBf16Lanes, channels - block * kBf16Lanes);
  const auto mask = static_cast<__mmask16>((1u << count) - 1);
  const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_maskz_max_ps(0xffff, sums, _mm512_setzero_ps()));
  _mm256_mask_storeu_epi16(to + block * kBf16Lanes, mask, (__m256i)rounded);
}

}  // namespace

void bf16_relu(const Bf16Weights& weights, const Bf16Slice& in, int edge, const Bf16Slice& out) {
  convolve(weights, in, edge, [&](int y, int x, __m512 sums, int block) {
    store_relu(out.origin + y * out.row + x * out.pixel, sums, weights.out, block);
  });
}

void bf16_relu_upsampled(const Bf16Weights& weights, const Bf16Slice& in, int edge, const Bf16Slice& out) {
  convolve(weights, in, edge, [&](int y, int x, __m512 sums, int block) {
    std::uint16_t* const to = out.origin + 2 * y * out.row + 2 * x * out.pixel;
    store_relu(to, sums, weights.out, block);
    store_relu(to + out.pixel, sums, weights.out, block);
    store_relu(to + out.row, sums, weights.out, block);
    store_relu(to + out.row + out.pixel, sums, weights.out, block);
  });
}

void bf16_two_planes(const Bf16Weights& weights, const Bf16Slice& in, int edge, float* first, float* second) {
  convolve(weights, in, edge, [&](int y, int x, __m512 sums, int block) {
    if (block > 0) return;
    first[y * edge + x] = sums[0];
    second[y * edge + x] = sums[1];
  });
}

}  // namespace flashphase::infer
