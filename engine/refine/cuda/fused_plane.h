#pragma once

#include <cstdint>

#include "engine/device/block.h"
#include "engine/device/block_fft.h"
#include "engine/refine/cuda/program.h"

namespace flashphase::refine::cuda {

using namespace device;  // blocks, their transforms, complex numbers

/// How many lanes of a line have the dense group that begins with lane 0's `first`.
template <int kSize>
FLASHPHASE_HD int dense_lanes(int first) {
  using Fft = PlaneFft<kSize>;
  if constexpr (Fft::kFirst % Fft::kLanes == 0) return Fft::kLanes;
  return Fft::kFirst - first < Fft::kLanes ? Fft::kFirst - first : Fft::kLanes;
}

/// Where a coefficient lies in a modulus plane as FusedKernel reads it: neighbours for neighbouring threads.
/// Element k of a thread's dense group.
template <int kSize>
FLASHPHASE_HD int fused_place(int thread, int group, int k) {
  using Fft = PlaneFft<kSize>;
  const int first = group * Fft::kLanes, lanes = dense_lanes<kSize>(first);
  return (first * Fft::kSecond + k * lanes) * kSize + Fft::line(thread) * lanes + Fft::lane(thread);
}

/// The frequency at place i, as an index into Fft2's Fourier layout.
template <int kSize>
FLASHPHASE_HD int fused_order(int i) {
  using Fft = PlaneFft<kSize>;
  constexpr int of_group = Fft::kLanes * Fft::kSecond * kSize;
  const int first = i / of_group * Fft::kLanes, lanes = dense_lanes<kSize>(first);
  const int rest = i % of_group, k = rest / (lanes * kSize), line = rest / lanes % kSize, lane = rest % lanes;
  return Fft::frequency(Fft::kSecond * (first + lane) + k) * kSize + Fft::frequency(line);
}

/// The memory that the threads of a fused block share, as the block gives it: indexable things.
template <class Elements, class Floats>
struct FusedShared {
  Elements plane;    ///< PlaneFft::kElements
  Floats workspace;  ///< the same memory as floats
  Elements twists;   ///< PlaneFft::kTwists
  Floats modulus;    ///< m * m where kRoomy
  Elements last;     ///< FusedPlane::kLast where kRoomy
  Floats scratch;    ///< FusedPlane::kScratch
};

/// An iterate between real and Fourier space in one block: the half-transformed plane in shared memory, the
/// iterate g in registers (a thread has the pixels of its strided groups along y), its support as a bit for
/// each of them.
template <int kSize, class Block, class Elements, class Floats>
class FusedPlane {
 public:
  using Fft = PlaneFft<kSize>;
  static constexpr int kPixels = Fft::kStridedGroups * Fft::kFirst;  ///< of a thread
  static constexpr int kLastRow = spaced(kSize / 2);
  static constexpr int kLast = kLastRow * (kSize / 2);
  static constexpr int kReduced = 3;
  static constexpr int kScratch = kReduced * Fft::kThreads;
  /// There is room in shared memory for the modulus, and for what accelerated ER remembers of the object's
  /// corner; else both lie in global memory, where the L2 is to keep them.
  static constexpr bool kRoomy = sizeof(Complex) * (Fft::kElements + Fft::kTwists + kLast) +
                                     sizeof(float) * (kSize * kSize + kScratch) <=
                                 163 * 1024;  // of an A100
  static_assert(kPixels <= 32, "a bit of the support for each pixel");

  struct Registers {
    Complex g[kPixels];
    std::uint32_t support;  ///< bit i: pixel i
    Sums sums;
  };

  FLASHPHASE_DEVICE FusedPlane(Block& block, const FusedShared<Elements, Floats>& shared)
      : block_(block), shared_(shared) {}

  FLASHPHASE_DEVICE Registers& registers(int thread) { return registers_[thread]; }

  /// work(i) for the pixels of a thread.
  template <class Work>
  static FLASHPHASE_DEVICE void for_each_pixel(Work work) {
    FLASHPHASE_UNROLL
    for (int i = 0; i < kPixels; ++i) work(i);
  }
  static FLASHPHASE_DEVICE int pixel_y(int thread, int i) {
    return Fft::strided(thread, i / Fft::kFirst, i % Fft::kFirst);
  }
  static FLASHPHASE_DEVICE int pixel_x(int thread) { return Fft::line(thread); }

  /// work(i, place in [n, n]) for the pixels of a thread that lie in the object's corner.
  template <class Work>
  static FLASHPHASE_DEVICE void for_each_object_pixel(int thread, int n, Work work) {
    const int x = pixel_x(thread);
    if (x >= n) return;
    for_each_pixel([&](int i) {
      const int y = pixel_y(thread, i);
      if (Fft::has_strided(thread, i / Fft::kFirst) && y < n) work(i, y * n + x);
    });
  }

  FLASHPHASE_DEVICE void constrain() {
    block_.each([&](int thread) {
      Registers& own = registers_[thread];
      for_each_pixel([&](int i) {
        if ((own.support >> i & 1u) == 0) own.g[i] = {0, 0};
      });
    });
  }

  FLASHPHASE_DEVICE void scale(float factor) {
    block_.each([&](int thread) {
      Registers& own = registers_[thread];
      for_each_pixel([&](int i) { own.g[i] = factor * own.g[i]; });
    });
  }

  /// First pass of the first transform of g as it is; the plane is free.
  FLASHPHASE_DEVICE void begin() {
    block_.each([&](int thread) {
      const auto along_y = passes<Axis::y>(thread);
      FLASHPHASE_UNROLL
      for (int group = 0; group < Fft::kStridedGroups; ++group) {
        if (!Fft::has_strided(thread, group)) break;
        Complex v[Fft::kFirst];
        FLASHPHASE_UNROLL
        for (int k = 0; k < Fft::kFirst; ++k) v[k] = registers_[thread].g[group * Fft::kFirst + k];
        transform<Fft::kFirst, false, false>(v, {});
        along_y.store_strided(v, group);
      }
    });
    block_.sync_warps();
  }

  /// From begin() to the Fourier coefficients, where change(coefficient, place in the planes, sums) takes its
  /// turn, and the first pass back. The sums are kept.
  template <class Change>
  FLASHPHASE_DEVICE void to_fourier_space(Change change) {
    Fft::template dense_pass<false, Axis::y>(block_, shared_.plane, shared_.twists);
    block_.sync();
    Fft::template strided_pass<false, Axis::x>(block_, shared_.plane, shared_.twists);
    block_.sync_warps();
    block_.each([&](int thread) {
      const auto pass = passes<Axis::x>(thread);
      Sums sums;
      FLASHPHASE_NO_UNROLL
      for (int group = 0; group < Fft::kDenseGroups; ++group) {
        if (!Fft::has_dense(thread, group)) break;
        Complex v[Fft::kSecond];
        pass.load_dense(v, group);
        transform<Fft::kSecond, false, true>(v, pass.twist(shared_.twists, group));
        FLASHPHASE_UNROLL
        for (int k = 0; k < Fft::kSecond; ++k)
          v[k] = change(v[k], fused_place<kSize>(thread, group, k), sums);
        transform<Fft::kSecond, true, false>(v, {});
        pass.store_dense(v, group);
      }
      registers_[thread].sums = sums;
    });
    block_.sync_warps();
  }

  /// Over all threads, those of the last to_fourier_space().
  FLASHPHASE_DEVICE Sums sums() {
    const Values<3> all = reduce<Add, 3>(block_, shared_.scratch, [&](int thread) {
      const Sums& own = registers_[thread].sums;
      return Values<3>{{own.aa, own.ae, own.ee}};
    });
    return {all.value[0], all.value[1], all.value[2]};
  }

  /// Back to real space, and the first pass of the next transform. For every group of pixels
  /// advance(thread, change) is to call change(next) once: then the iterate becomes g = next(P, g, inside, i)
  /// for each pixel i of the thread in it, and what next returns is transformed.
  template <class Advance>
  FLASHPHASE_DEVICE void to_real_space(Advance advance) {
    Fft::template strided_pass<true, Axis::x>(block_, shared_.plane, shared_.twists);
    block_.sync();
    Fft::template dense_pass<true, Axis::y>(block_, shared_.plane, shared_.twists);
    block_.sync_warps();
    block_.each([&](int thread) {
      Registers& own = registers_[thread];
      const auto pass = passes<Axis::y>(thread);
      FLASHPHASE_UNROLL
      for (int group = 0; group < Fft::kStridedGroups; ++group) {
        if (!Fft::has_strided(thread, group)) break;
        Complex v[Fft::kFirst];
        pass.load_strided(v, group);
        transform<Fft::kFirst, true, true>(v, conjugate(pass.twist(shared_.twists, group)));
        advance(thread, [&](auto next) {
          FLASHPHASE_UNROLL
          for (int k = 0; k < Fft::kFirst; ++k) {
            const int i = group * Fft::kFirst + k;
            v[k] = next(v[k], own.g[i], (own.support >> i & 1u) != 0, i);
          }
        });
        transform<Fft::kFirst, false, false>(v, {});
        pass.store_strided(v, group);
      }
    });
    block_.sync_warps();
  }

 private:
  template <Axis kAxis>
  FLASHPHASE_DEVICE auto passes(int thread) const {
    return typename Fft::template Passes<kAxis, Elements>(shared_.plane, thread);
  }

  Block& block_;
  const FusedShared<Elements, Floats>& shared_;
  typename Block::template PerThread<Registers> registers_{block_};
};

}  // namespace flashphase::refine::cuda
