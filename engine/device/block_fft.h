#pragma once

#include "engine/device/host_device.h"

namespace flashphase::device {

/// Lies in memory as std::complex<float> and as CUDA's float2.
struct alignas(8) Complex {
  float re, im;
};

FLASHPHASE_HD Complex operator+(Complex a, Complex b) {
  return {a.re + b.re, a.im + b.im};
}
FLASHPHASE_HD Complex operator-(Complex a, Complex b) {
  return {a.re - b.re, a.im - b.im};
}
FLASHPHASE_HD Complex operator*(Complex a, Complex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
FLASHPHASE_HD Complex operator*(float a, Complex b) {
  return {a * b.re, a * b.im};
}
FLASHPHASE_HD Complex conjugate(Complex a) {
  return {a.re, -a.im};
}

/// exp(2 pi i k / kRadix).
template <int kRadix>
struct Roots {
  float re[kRadix] = {}, im[kRadix] = {};

  FLASHPHASE_HD constexpr Roots() {
    constexpr double angle = 6.283185307179586 / kRadix;
    double step_re = 0, step_im = 0, term = 1;  // of the exponential series
    for (int k = 0; k < 32; term *= angle / ++k) (k % 2 == 0 ? step_re : step_im) += k % 4 < 2 ? term : -term;
    double at_re = 1, at_im = 0;
    for (int k = 0; k < kRadix; ++k) {
      re[k] = static_cast<float>(at_re);
      im[k] = static_cast<float>(at_im);
      const double next = at_re * step_re - at_im * step_im;
      at_im = at_re * step_im + at_im * step_re;
      at_re = next;
    }
  }
};

/// v exp(-2 pi i power / kRadix), with the other sign for the inverse; 0 <= power < kRadix / 2, kRadix <= 16.
template <int kRadix, bool kInverse>
FLASHPHASE_DEVICE Complex times_root(Complex v, int power) {
  constexpr float sign = kInverse ? 1.0f : -1.0f;
  if constexpr (16 % kRadix != 0) {
    constexpr Roots<kRadix> roots;
    if (power == 0) return v;
    if (4 * power == kRadix) return {-sign * v.im, sign * v.re};
    return v * Complex{roots.re[power], sign * roots.im[power]};
  }
  constexpr float cos_1 = 0.923879533f, sin_1 = 0.382683432f, root_half = 0.707106781f;  // of 2 pi / 16
  const int sixteenth = power * (16 / kRadix);
  switch (sixteenth % 4) {
    case 1:
      v = v * Complex{cos_1, sign * sin_1};
      break;
    case 2:
      v = root_half * Complex{v.re - sign * v.im, v.im + sign * v.re};
      break;
    case 3:
      v = v * Complex{sin_1, sign * cos_1};
      break;
    default:
      break;
  }
  return sixteenth < 4 ? v : Complex{-sign * v.im, sign * v.re};
}

/// As transform() below, of odd radices, by the definition; k and -k share their products.
template <int kRadix, bool kInverse, bool kTwisted>
FLASHPHASE_DEVICE void transform_odd(Complex (&v)[kRadix], Complex w) {
  constexpr Roots<kRadix> roots;
  constexpr int pairs = kRadix / 2;
  constexpr float sign = kInverse ? 1.0f : -1.0f;
  if constexpr (kTwisted) {
    Complex power = w;
    FLASHPHASE_UNROLL
    for (int k = 1; k < kRadix; ++k) {
      v[k] = v[k] * power;
      power = power * w;
    }
  }
  const Complex first = v[0];
  Complex sum[pairs], difference[pairs];
  FLASHPHASE_UNROLL
  for (int k = 0; k < pairs; ++k) {
    sum[k] = v[1 + k] + v[kRadix - 1 - k];
    difference[k] = v[1 + k] - v[kRadix - 1 - k];
    v[0] = v[0] + sum[k];
  }
  FLASHPHASE_UNROLL
  for (int p = 1; p <= pairs; ++p) {
    Complex even = first, odd{0, 0};
    FLASHPHASE_UNROLL
    for (int k = 0; k < pairs; ++k) {
      const int power = (k + 1) * p % kRadix;
      even = even + roots.re[power] * sum[k];
      odd = odd + (sign * roots.im[power]) * difference[k];
    }
    const Complex turned{-odd.im, odd.re};
    v[p] = even + turned;
    v[kRadix - p] = even - turned;
  }
}

/// In place: v[p] = sum over k of v[k] w^k exp(-+ 2 pi i k p / kRadix); w counts only where kTwisted. The
/// products are ordered so that each twisted butterfly of two is six fused multiply-adds.
template <int kRadix, bool kInverse, bool kTwisted>
FLASHPHASE_DEVICE void transform(Complex (&v)[kRadix], Complex w) {
  if constexpr (kRadix % 2 != 0) {
    if constexpr (kRadix > 1) transform_odd<kRadix, kInverse, kTwisted>(v, w);
  } else {
    constexpr int half = kRadix / 2;
    Complex even[half], odd[half];
    FLASHPHASE_UNROLL
    for (int k = 0; k < half; ++k) {
      even[k] = v[2 * k];
      odd[k] = v[2 * k + 1];
    }
    const Complex squared = kTwisted ? w * w : w;
    transform<half, kInverse, kTwisted>(even, squared);
    transform<half, kInverse, kTwisted>(odd, squared);
    FLASHPHASE_UNROLL
    for (int p = 0; p < half; ++p) {
      if constexpr (kTwisted) {
        const Complex factor = times_root<kRadix, kInverse>(w, p);
        v[p].re = (even[p].re + factor.re * odd[p].re) - factor.im * odd[p].im;
        v[p].im = (even[p].im + factor.re * odd[p].im) + factor.im * odd[p].re;
        v[p + half].re = FLASHPHASE_FMA(2.0f, even[p].re, -v[p].re);
        v[p + half].im = FLASHPHASE_FMA(2.0f, even[p].im, -v[p].im);
      } else {
        const Complex turned = times_root<kRadix, kInverse>(odd[p], p);
        v[p] = even[p] + turned;
        v[p + half] = even[p] - turned;
      }
    }
  }
}

enum class Axis { y, x };

/// The least distance of rows of so many elements of 8 bytes at which four rows of a half warp's four columns
/// lie in different banks.
constexpr int spaced(int elements) {
  return (elements + 3) / 8 * 8 + 4;
}

/// The factors of a line of `size` elements, of 2, 3, 5 and 7 and at most 16 each; 0 where it has no such
/// two. The first is the larger one where the second is to be a multiple of the lanes, or odd (PlaneFft).
struct LineFactors {
  int first = 0, second = 0;
};
constexpr LineFactors line_factors(int size) {
  switch (size) {
    case 32:
    case 64:
    case 96:
    case 128:
      return {8, size / 8};
    case 80:
    case 100:
    case 120:
      return {10, size / 10};
    case 98:
    case 112:
      return {14, size / 14};
    default:
      return {};
  }
}

/// How a block of kThreads transforms a plane of kSize x kSize in place, in memory that its threads share.
///
/// A line of kSize = kFirst * kSecond takes two passes. In the first a thread has elements kSecond apart
/// ("strided"), in the second elements side by side ("dense"); what lies at kFirst-digit q, kSecond-digit p
/// then is frequency q + kFirst * p, and is left there. The inverse goes the same way back. Every pass writes
/// where it has read, so there is one barrier between two passes: of the warp between passes over the same
/// lines, which eight lines of a warp share, of the block between axes. Four threads (lanes) work on a line;
/// where four does not divide the number of groups, some lanes rest in the last, and where eight does not
/// divide the number of lines, some threads rest always.
///
/// Rows are spaced so that the sixteen threads that access 8 bytes each at once find sixteen different pairs
/// of banks: modulo 8 the distance of rows is 4, that of blocks of kSecond rows 4 too, and that of blocks of
/// kSecond elements in a row odd. With an odd kSecond this needs no gaps; with one that four does not divide
/// gaps lie between the four lines of some half warps, which then access two words of a bank.
template <int kSize>
struct PlaneFft {
  static constexpr int kLanes = 4;
  static constexpr int kThreads = (kLanes * kSize + 31) / 32 * 32;
  static constexpr int kFirst = line_factors(kSize).first;
  static constexpr int kSecond = line_factors(kSize).second;
  /// Of kFirst elements, a thread and pass.
  static constexpr int kStridedGroups = (kSecond + kLanes - 1) / kLanes;
  /// Of kSecond elements, a thread and pass.
  static constexpr int kDenseGroups = (kFirst + kLanes - 1) / kLanes;
  static constexpr int kTwists = 16;                          ///< of the table exp(-2 pi i j / kSize)
  static constexpr int kBlockGap = kSecond % 2 == 0 ? 1 : 0;  ///< after kSecond elements of a row
  static constexpr int kRowsGap = kSecond % 2 == 0 ? 4 : 0;   ///< after kSecond rows
  static constexpr int kRow = spaced(kSize + kBlockGap * (kFirst - 1));
  static constexpr int kElements = kRow * kSize + kRowsGap * kFirst;

  /// Every thread has all its groups.
  static constexpr bool kNoneRests = kSize % 8 == 0 && kFirst % kLanes == 0 && kSecond % kLanes == 0;

  static_assert(kFirst * kSecond == kSize && kFirst <= kTwists && kSecond <= kTwists);

  /// The line and lane of a thread.
  static FLASHPHASE_HD int line(int thread) { return thread / kLanes; }
  static FLASHPHASE_HD int lane(int thread) { return thread % kLanes; }

  /// Whether a thread has this group of kFirst elements.
  static FLASHPHASE_HD bool has_strided(int thread, int group) { return has<kSecond>(thread, group); }
  /// The same of kSecond elements.
  static FLASHPHASE_HD bool has_dense(int thread, int group) { return has<kFirst>(thread, group); }

  /// Coordinate along the axis of element k of a strided group.
  static FLASHPHASE_HD int strided(int thread, int group, int k) {
    return lane(thread) + kLanes * group + kSecond * k;
  }
  /// The same of a dense group.
  static FLASHPHASE_HD int dense(int thread, int group, int k) {
    return kSecond * (lane(thread) + kLanes * group) + k;
  }
  /// The frequency that the forward transform leaves at this coordinate.
  static FLASHPHASE_HD int frequency(int at) { return at / kSecond + kFirst * (at % kSecond); }

  static FLASHPHASE_DEVICE int index(int y, int x) {
    return y * kRow + kRowsGap * (y / kSecond) + x + kBlockGap * (x / kSecond);
  }

  /// The passes of one thread over one axis, on its lines of `plane`, which is anything with an index.
  template <Axis kAxis, class Plane>
  class Passes {
   public:
    FLASHPHASE_DEVICE Passes(Plane plane, int thread)
        : plane_(plane),
          line_(kAxis == Axis::y ? index(0, line(thread)) : index(line(thread), 0)),
          lane_(lane(thread)) {}

    FLASHPHASE_DEVICE void load_strided(Complex (&v)[kFirst], int group) const {
      FLASHPHASE_UNROLL
      for (int k = 0; k < kFirst; ++k) v[k] = plane_[strided_index(group, k)];
    }
    FLASHPHASE_DEVICE void store_strided(const Complex (&v)[kFirst], int group) const {
      FLASHPHASE_UNROLL
      for (int k = 0; k < kFirst; ++k) plane_[strided_index(group, k)] = v[k];
    }
    FLASHPHASE_DEVICE void load_dense(Complex (&v)[kSecond], int group) const {
      FLASHPHASE_UNROLL
      for (int k = 0; k < kSecond; ++k) v[k] = plane_[dense_index(group, k)];
    }
    FLASHPHASE_DEVICE void store_dense(const Complex (&v)[kSecond], int group) const {
      FLASHPHASE_UNROLL
      for (int k = 0; k < kSecond; ++k) plane_[dense_index(group, k)] = v[k];
    }

    /// The twist of a group of either kind, from the table.
    template <class Twists>
    FLASHPHASE_DEVICE Complex twist(Twists twists, int group) const {
      return twists[lane_ + kLanes * group];
    }

   private:
    static constexpr int kStep = kAxis == Axis::y ? kRow : 1;
    static constexpr int kBlock = kAxis == Axis::y ? kSecond * kRow + kRowsGap : kSecond + kBlockGap;

    FLASHPHASE_DEVICE int strided_index(int group, int k) const {
      return line_ + lane_ * kStep + group * kLanes * kStep + k * kBlock;
    }
    FLASHPHASE_DEVICE int dense_index(int group, int k) const {
      return line_ + lane_ * kBlock + group * kLanes * kBlock + k * kStep;
    }

    Plane plane_;
    int line_, lane_;
  };

  /// A pass of a block over all lines; the twists of a line lie in its second pass either way.
  template <bool kInverse, Axis kAxis, class Block, class Plane, class Twists>
  static FLASHPHASE_DEVICE void strided_pass(Block& block, Plane plane, Twists twists) {
    block.each([&](int thread) {
      const Passes<kAxis, Plane> pass(plane, thread);
      FLASHPHASE_NO_UNROLL
      for (int group = 0; group < kStridedGroups; ++group) {
        if (!has_strided(thread, group)) break;
        Complex v[kFirst];
        pass.load_strided(v, group);
        const Complex twist = kInverse ? conjugate(pass.twist(twists, group)) : Complex{};
        transform<kFirst, kInverse, kInverse>(v, twist);
        pass.store_strided(v, group);
      }
    });
  }
  template <bool kInverse, Axis kAxis, class Block, class Plane, class Twists>
  static FLASHPHASE_DEVICE void dense_pass(Block& block, Plane plane, Twists twists) {
    block.each([&](int thread) {
      const Passes<kAxis, Plane> pass(plane, thread);
      FLASHPHASE_NO_UNROLL
      for (int group = 0; group < kDenseGroups; ++group) {
        if (!has_dense(thread, group)) break;
        Complex v[kSecond];
        pass.load_dense(v, group);
        const Complex twist = kInverse ? Complex{} : pass.twist(twists, group);
        transform<kSecond, kInverse, !kInverse>(v, twist);
        pass.store_dense(v, group);
      }
    });
  }

 private:
  template <int kGroups>
  static FLASHPHASE_HD bool has(int thread, int group) {
    return (kSize % 8 == 0 || line(thread) < kSize) &&
           (kGroups % kLanes == 0 || lane(thread) + kLanes * group < kGroups);
  }
};

}  // namespace flashphase::device
