#include "engine/score/modulus.h"

#include <algorithm>
#include <cmath>

namespace flashphase::score {

void modulus_in_fft_layout(std::span<const float> intensity, std::span<const std::uint8_t> measured, int m,
                           float scale, float* modulus) {
  const auto edge = static_cast<std::size_t>(m);
  const std::size_t middle = edge / 2;
  for (std::size_t kx = 0; kx < edge; ++kx) {
    const std::size_t x = (kx + middle) % edge;
    for (std::size_t ky = 0; ky < edge; ++ky) {
      const std::size_t y = ky + middle < edge ? ky + middle : ky + middle - edge;
      const std::size_t from = y * edge + x;
      modulus[kx * edge + ky] = measured[from] ? scale * std::sqrt(intensity[from]) : -1.0f;
    }
  }
}

double modulus_chi2(const float* re, const float* im, const float* modulus, std::size_t count) {
  double aa = 0, ab = 0, bb = 0;
#pragma omp simd reduction(+ : aa, ab, bb)
  for (std::size_t i = 0; i < count; ++i) {
    const float measured = modulus[i] >= 0 ? 1.0f : 0.0f;
    const auto a = static_cast<double>(measured * std::sqrt(re[i] * re[i] + im[i] * im[i]));
    const auto b = static_cast<double>(measured * modulus[i]);
    aa += a * a;
    ab += a * b;
    bb += b * b;
  }
  if (!(aa > 0) || !(bb > 0)) return 1;
  // sum (s a - b)^2 with the best s = ab / aa. What cancels is a part in 10^15, far below what floats leave
  // of a and b.
  return std::max(1 - ab / aa * (ab / bb), 0.0);
}

}  // namespace flashphase::score
