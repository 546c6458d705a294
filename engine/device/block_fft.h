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

/// v exp(-2 pi i power / kRadix), with the other sign for the inverse; 0 <= power < kRadix / 2, kRadix <= 16.
template <int kRadix, bool kInverse>
FLASHPHASE_DEVICE Complex times_root(Complex v, int power) {
  constexpr float sign = kInverse ? 1.0f : -1.0f;
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

/// In place: v[p] = sum over k of v[k] w^k exp(-+ 2 pi i k p / kRadix); w counts only where kTwisted. The
/// products are ordered so that each twisted butterfly is six fused multiply-adds.
template <int kRadix, bool kInverse, bool kTwisted>
FLASHPHASE_DEVICE void transform(Complex (&v)[kRadix], Complex w) {
  if constexpr (kRadix > 1) {
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

/// How a block of kThreads transforms a plane of kSize x kSize in place, in memory that its threads share.
///
/// A line of kSize = kFirst * kSecond takes two passes. In the first a thread has elements kSecond apart
/// ("strided"), in the second elements side by side ("dense"); what lies at kFirst-digit q, kSecond-digit p
/// then is frequency q + kFirst * p, and is left there. The inverse goes the same way back. Every pass writes
/// where it has read, so there is one barrier between two passes: of the warp between passes over the same
/// lines, which eight lines of a warp share, of the block between axes. Four threads (lanes) work on a line.
///
/// Rows are spaced so that the sixteen threads that access 8 bytes each at once find sixteen different pairs
/// of banks: 12 is the row's distance modulo 16, 4 that of blocks of kSecond rows, 1 (odd) that of blocks of
/// kSecond elements in a row.
template <int kSize>
struct PlaneFft {
  static constexpr int kLanes = 4;
  static constexpr int kThreads = kLanes * kSize;
  static constexpr int kFirst = 8;
  static constexpr int kSecond = kSize / kFirst;
  static constexpr int kStridedGroups = kSecond / kLanes;  ///< of kFirst elements, a thread and pass
  static constexpr int kDenseGroups = kFirst / kLanes;     ///< of kSecond elements, a thread and pass
  static constexpr int kTwists = 16;                       ///< of the table exp(-2 pi i j / kSize)
  static constexpr int kRow = kSize + 12;
  static constexpr int kElements = kRow * kSize + 4 * kFirst;

  static_assert(kSize == 32 || kSize == 64 || kSize == 128);

  /// The line and lane of a thread.
  static FLASHPHASE_HD int line(int thread) { return thread / kLanes; }
  static FLASHPHASE_HD int lane(int thread) { return thread % kLanes; }

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

  static FLASHPHASE_DEVICE int index(int y, int x) { return y * kRow + 4 * (y / kSecond) + x + x / kSecond; }

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
    static constexpr int kBlock = kAxis == Axis::y ? kSecond * kRow + 4 : kSecond + 1;

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
        Complex v[kSecond];
        pass.load_dense(v, group);
        const Complex twist = kInverse ? Complex{} : pass.twist(twists, group);
        transform<kSecond, kInverse, !kInverse>(v, twist);
        pass.store_dense(v, group);
      }
    });
  }
};

}  // namespace flashphase::device
