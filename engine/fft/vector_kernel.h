// The vector kernels. Included by one source file per instruction set, which defines FLASHPHASE_FFT_LANES (floats per
// vector) and FLASHPHASE_FFT_MAKE (name of its factory). Everything lives in an anonymous namespace so that code compiled
// for one instruction set can never be linked into another.
//
// A transform is: FFT down all columns (one vector = one row of `kLanes` neighbouring columns), transpose, FFT down all
// columns again. Column FFTs are Stockham autosort passes of radix 8, 4 and 2 (Stockham 1966; no bit reversal) through
// a scratch that stays in L1.

#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <numbers>
#include <utility>

#include "engine/fft/fft2.h"
#include "engine/fft/kernel.h"

namespace flashphase::fft {
namespace {

constexpr int kLanes = FLASHPHASE_FFT_LANES;
using Vector [[gnu::vector_size(kLanes * sizeof(float)), gnu::may_alias]] = float;
using Index [[gnu::vector_size(kLanes * sizeof(int))]] = int;

struct Complex {
  Vector re, im;
};

[[gnu::always_inline]] inline Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
[[gnu::always_inline]] inline Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
/// a * -i
[[gnu::always_inline]] inline Complex times_minus_i(Complex a) { return {a.im, -a.re}; }

struct Twiddle {
  float re, im;
};

[[gnu::always_inline]] inline Complex rotate(Complex a, Twiddle w) {
  return {a.re * w.re - a.im * w.im, a.re * w.im + a.im * w.re};
}

template <int kRadix>
[[gnu::always_inline]] inline void butterfly(Complex* x);

template <>
[[gnu::always_inline]] inline void butterfly<2>(Complex* x) {
  const Complex a = x[0];
  x[0] = a + x[1];
  x[1] = a - x[1];
}

template <>
[[gnu::always_inline]] inline void butterfly<4>(Complex* x) {
  const Complex a = x[0] + x[2], b = x[0] - x[2], c = x[1] + x[3], d = times_minus_i(x[1] - x[3]);
  x[0] = a + c;
  x[1] = b + d;
  x[2] = a - c;
  x[3] = b - d;
}

template <>
[[gnu::always_inline]] inline void butterfly<8>(Complex* x) {
  constexpr float h = std::numbers::sqrt2_v<float> / 2;
  Complex even[4] = {x[0], x[2], x[4], x[6]};
  Complex odd[4] = {x[1], x[3], x[5], x[7]};
  butterfly<4>(even);
  butterfly<4>(odd);
  const Complex o1{(odd[1].re + odd[1].im) * h, (odd[1].im - odd[1].re) * h};
  const Complex o2 = times_minus_i(odd[2]);
  const Complex o3{(odd[3].im - odd[3].re) * h, -(odd[3].re + odd[3].im) * h};
  x[0] = even[0] + odd[0];
  x[4] = even[0] - odd[0];
  x[1] = even[1] + o1;
  x[5] = even[1] - o1;
  x[2] = even[2] + o2;
  x[6] = even[2] - o2;
  x[3] = even[3] + o3;
  x[7] = even[3] - o3;
}

[[gnu::always_inline]] inline Vector& at(float* p) { return *reinterpret_cast<Vector*>(p); }

/// A column of vectors: element i at plane[i * stride].
struct Column {
  float* re;
  float* im;
  std::ptrdiff_t stride;

  [[gnu::always_inline]] Complex load(int i) const { return {at(re + i * stride), at(im + i * stride)}; }
  [[gnu::always_inline]] void store(int i, Complex value) const {
    at(re + i * stride) = value.re;
    at(im + i * stride) = value.im;
  }
};

constexpr int radix_of(int n) { return n % 8 == 0 ? 8 : n; }

/// One Stockham pass: transforms of length kN remain, kS of them interleaved.
template <int kN, int kS>
[[gnu::always_inline]] inline void pass(Column in, Column out, const Twiddle* twiddles) {
  constexpr int radix = radix_of(kN), m = kN / radix;
  for (int p = 0; p < m; ++p) {
    const Twiddle* w = twiddles + p * (radix - 1);
    for (int q = 0; q < kS; ++q) {
      Complex x[radix];
#pragma GCC unroll 8
      for (int k = 0; k < radix; ++k) x[k] = in.load(q + kS * (p + m * k));
      butterfly<radix>(x);
      out.store(q + kS * radix * p, x[0]);
#pragma GCC unroll 8
      for (int k = 1; k < radix; ++k) out.store(q + kS * (radix * p + k), m == 1 ? x[k] : rotate(x[k], w[k - 1]));
    }
  }
}

template <int kSize>
class VectorKernel final : public Kernel {
 public:
  VectorKernel() : scratch_(4 * static_cast<std::size_t>(kSize) * kLanes) {
    Twiddle* w = twiddles_.data();
    for (int n = kSize; n > 1; n /= radix_of(n))
      for (int p = 0; p < n / radix_of(n); ++p)
        for (int k = 1; k < radix_of(n); ++k) {
          const double angle = -2 * std::numbers::pi * p * k / n;
          *w++ = {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
        }
  }

  void forward(float* re, float* im) override {
    columns(re, im, 1.0f);
    transpose(re);
    transpose(im);
    columns(re, im, 1.0f);
  }

  /// Swapping the planes conjugates input and output, which turns the forward transform into the inverse.
  void inverse(float* re, float* im) override {
    columns(im, re, 1.0f / (static_cast<float>(kSize) * kSize));
    transpose(re);
    transpose(im);
    columns(im, re, 1.0f);
  }

 private:
  void columns(float* re, float* im, float scale) {
    for (int x = 0; x < kSize; x += kLanes) {
      const Column data{re + x, im + x, kSize};
      passes<kSize, 1>(data, data, half(0), half(1), twiddles_.data());
      if (scale != 1.0f)
        for (int y = 0; y < kSize; ++y) {
          at(data.re + y * kSize) *= scale;
          at(data.im + y * kSize) *= scale;
        }
    }
  }

  template <int kN, int kS>
  [[gnu::always_inline]] static void passes(Column in, Column out, Column next, Column other, const Twiddle* twiddles) {
    constexpr int radix = radix_of(kN);
    if constexpr (kN == radix) {
      pass<kN, kS>(in, out, twiddles);
    } else {
      pass<kN, kS>(in, next, twiddles);
      passes<kN / radix, kS * radix>(next, out, other, next, twiddles + kN / radix * (radix - 1));
    }
  }

  Column half(int index) {
    float* p = scratch_.data() + static_cast<std::ptrdiff_t>(index) * 2 * kSize * kLanes;
    return {p, p + kSize * kLanes, kLanes};
  }

  static void transpose(float* plane) {
    for (int y = 0; y < kSize; y += kLanes) {
      for (int x = y; x < kSize; x += kLanes) {
        float* a = plane + y * kSize + x;
        float* b = plane + x * kSize + y;
        Vector upper[kLanes];
        load_transposed(a, upper);
        if (x != y) {
          Vector lower[kLanes];
          load_transposed(b, lower);
          for (int i = 0; i < kLanes; ++i) at(a + i * kSize) = lower[i];
        }
        for (int i = 0; i < kLanes; ++i) at(b + i * kSize) = upper[i];
      }
    }
  }

  /// Reads a kLanes x kLanes block and transposes it in log2(kLanes) rounds: each swaps the off-diagonal quadrants of blocks of
  /// twice the size.
  [[gnu::always_inline]] static void load_transposed(const float* block, Vector* v) {
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) v[i] = *reinterpret_cast<const Vector*>(block + i * kSize);
    transpose_round<1>(v);
  }

  template <int kHalf>
  [[gnu::always_inline]] static void transpose_round(Vector* v) {
    if constexpr (kHalf < kLanes) {
      Index low{}, high{};
      for (int i = 0; i < kLanes; ++i) {
        low[i] = i & kHalf ? i - kHalf + kLanes : i;
        high[i] = i & kHalf ? i + kLanes : i + kHalf;
      }
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) {
        if (i & kHalf) continue;
        const Vector a = v[i], b = v[i + kHalf];
        v[i] = __builtin_shuffle(a, b, low);
        v[i + kHalf] = __builtin_shuffle(a, b, high);
      }
      transpose_round<2 * kHalf>(v);
    }
  }

  AlignedFloats scratch_;
  std::array<Twiddle, 2 * kSize> twiddles_{};
};

}  // namespace

std::unique_ptr<Kernel> FLASHPHASE_FFT_MAKE(int m) {
  switch (m) {
    case 16: return std::make_unique<VectorKernel<16>>();
    case 32: return std::make_unique<VectorKernel<32>>();
    case 64: return std::make_unique<VectorKernel<64>>();
    case 128: return std::make_unique<VectorKernel<128>>();
    case 256: return std::make_unique<VectorKernel<256>>();
    case 512: return std::make_unique<VectorKernel<512>>();
    case 1024: return std::make_unique<VectorKernel<1024>>();
    default: return nullptr;
  }
}

}  // namespace flashphase::fft
