#pragma once

#include "engine/device/host_device.h"

namespace flashphase::device {

/// Bodies of kernels are written against a Block, which is a block of CUDA threads (cuda_block.h) or
/// one that the tests emulate:
///   int threads()            how many
///   PerThread<T>             a T for each thread, [thread]; on the device, its registers
///   each(f)                  f(thread) for every thread: what happens between two barriers
///   sync(), sync_warps()     barriers of the block and of each warp of 32
///   float inverse_root(x)    1 / sqrt(x) of a normal number; cos_pi(x), sin_pi(x) of pi x
///   int now_ms()             a clock, about milliseconds
/// Code outside each() is the same for all threads, and may read shared memory that no thread writes before
/// the next barrier. Memory that threads share comes as something with an index, a pointer on the device.

struct Add {
  static FLASHPHASE_DEVICE float combine(float a, float b) { return a + b; }
};
struct Larger {
  static FLASHPHASE_DEVICE float combine(float a, float b) { return a > b ? a : b; }
};

template <int kCount>
struct Values {
  float value[kCount];
};

/// Combines value(thread), kCount floats of each thread, over the block; the same order every time. `scratch`
/// holds kCount * threads floats and is free again after the next barrier. Precondition: the number of
/// threads is a multiple of 32.
template <class Operation, int kCount, class Block, class Floats, class Value>
FLASHPHASE_DEVICE Values<kCount> reduce(Block& block, Floats scratch, Value value) {
  const int threads = block.threads();
  block.each([&](int thread) {
    const Values<kCount> own = value(thread);
    FLASHPHASE_UNROLL
    for (int c = 0; c < kCount; ++c) scratch[c * threads + thread] = own.value[c];
  });
  block.sync();
  block.each([&](int thread) {
    if (thread >= 32) return;
    FLASHPHASE_UNROLL
    for (int c = 0; c < kCount; ++c) {
      float sum = scratch[c * threads + thread];
      for (int i = thread + 32; i < threads; i += 32) sum = Operation::combine(sum, scratch[c * threads + i]);
      scratch[c * threads + thread] = sum;
    }
  });
  block.sync_warps();
  block.each([&](int thread) {
    if (thread >= kCount) return;
    float sum = scratch[thread * threads];
    for (int i = 1; i < 32; ++i) sum = Operation::combine(sum, scratch[thread * threads + i]);
    scratch[thread * threads] = sum;
  });
  block.sync();
  Values<kCount> result;
  FLASHPHASE_UNROLL
  for (int c = 0; c < kCount; ++c) result.value[c] = scratch[c * threads];
  return result;
}

}  // namespace flashphase::device
