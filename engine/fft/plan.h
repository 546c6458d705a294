#pragma once

#include <string>

#include "engine/fft/fft2.h"

namespace flashphase::fft {

/// One pass of a column transform, Stockham autosort (Stockham, AFIPS Conf. Proc. 28, 229, 1966; no bit
/// reversal): for every p < groups, q < interleaved it takes the elements q + interleaved (p + groups k), k <
/// radix, transforms them, multiplies the k-th by exp(-2 pi i p k / (radix groups)) and leaves it at q +
/// interleaved (radix p + k).
struct Pass {
  int radix = 0;
  int interleaved = 0;
  int groups = 0;
  const float* twiddles = nullptr;  ///< [groups, radix - 1] pairs (cos, sin) of the factors above
  const float* roots = nullptr;     ///< [radix] pairs (cos, sin) of 2 pi k / radix
};

/// Which way round the radices run. Forwards, the last pass takes elements q + interleaved k; backwards, the
/// first pass takes the same ones: so a transform, a change of its elements and the next transform meet in
/// registers.
enum class Order { forwards, backwards };

constexpr int kMostPasses = 24;
constexpr int kLargestButterfly = 8;  ///< radices from 2 on that are done in registers

/// How a transform of one length is done.
struct Recipe {
  int radices[kMostPasses] = {};  ///< of the passes, forwards: of this length, or of the convolution
  int passes = 0;
  int convolution = 0;  ///< length of Bluestein's convolution; 0 = none
};

/// The cheapest by the costs in plan.cpp. Precondition: m >= 1.
Recipe recipe_for(int m);

/// The passes of a recipe and their tables.
struct Plan {
  Plan(const Recipe& recipe, Order order);
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  Pass passes[kMostPasses];
  int count = 0;

 private:
  AlignedFloats tables_;
};

/// The tables of Bluestein's chirp-z algorithm (Bluestein, IEEE Trans. Audio Electroacoust. 18, 451, 1970):
/// with chirp[k] = exp(-pi i k^2 / m), X = chirp . (conj(chirp) * (chirp . x)), the convolution by a
/// transform of `convolution` elements.
struct Chirp {
  Chirp(int m, int convolution);
  ~Chirp();

  AlignedFloats chirp;   ///< [m] pairs
  AlignedFloats filter;  ///< [convolution] pairs: the transform of conj(chirp), over `convolution`
};

/// Floats from row to row of a work plane of m columns: whole vectors of every instruction set, and no power
/// of two, of which the rows of a column would share few places in a cache.
int padded_stride(int m);

/// What does a transform of this length: "avx2 radix 8x4x3", "avx2 bluestein 216".
std::string kernel_name(const char* instruction_set, int m);

}  // namespace flashphase::fft
