#pragma once

#include <cstddef>

namespace flashphase::refine {

/// With a = |F| of the iterate and b the measured modulus, over measured coefficients, e = a - b.
struct ModulusSums {
  double aa = 0;
  double ae = 0;
  double ee = 0;
};

/// The loops of an iteration over whole planes, 64-byte aligned. Values must be finite.
struct Kernels {
  /// Replaces |F| by `modulus` where that is not negative: F *= modulus / |F|. Gives the sums of F as it was.
  ModulusSums (*project)(float* re, float* im, const float* modulus, std::size_t count);
  /// Error reduction: g = w inside `support` (1), 0 outside (0); w = g.
  void (*er)(float* g, float* w, const float* support, std::size_t count);
  /// Hybrid input-output: g = w inside `support`, g - beta w outside; w = g.
  void (*hio)(float* g, float* w, const float* support, float beta, std::size_t count);
};

Kernels kernels_avx512();
Kernels kernels_avx2();
Kernels kernels_baseline();

/// Those of this CPU.
Kernels make_kernels();

}  // namespace flashphase::refine
