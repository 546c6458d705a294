#pragma once

#include <cmath>
#include <cstdint>

#include "engine/device/block.h"
#include "engine/refine/cuda/program.h"

namespace flashphase::refine::cuda {

using namespace device;  // blocks, their transforms, complex numbers

/// Adds each thread's share of `count` items to a loop.
template <class Block, class Work>
FLASHPHASE_DEVICE void spread(Block& block, int count, Work work) {
  const int threads = block.threads();
  block.each([&](int thread) {
    for (int i = thread; i < count; i += threads) work(i);
  });
}

/// Largest of `count` values that share memory.
template <class Block, class Floats>
FLASHPHASE_DEVICE float largest_of(Block& block, Floats values, int count, Floats scratch) {
  return reduce<Larger, 1>(block, scratch,
                           [&](int thread) {
                             float largest = 0;
                             for (int i = thread; i < count; i += block.threads()) {
                               const float value = values[i];
                               largest = Larger::combine(largest, value);
                             }
                             return Values<1>{{largest}};
                           })
      .value[0];
}

/// The value that `count` of the n * n lie above: the next in descending order. None is negative.
template <class Block, class Floats>
FLASHPHASE_DEVICE float brightest(Block& block, Floats values, int cells, int count, float largest,
                                  Floats scratch) {
  // Bisection that ends at neighbours among the floats: above `low` lie more than `count`, above `high` at
  // most.
  float low = -1, high = largest;
  for (int i = 0; i < 256; ++i) {
    const float middle = 0.5f * (low + high);
    if (!(middle > low) || !(middle < high)) break;
    block.sync();
    const float above = reduce<Add, 1>(block, scratch, [&](int thread) {
                          float sum = 0;
                          for (int k = thread; k < cells; k += block.threads()) {
                            const float value = values[k];
                            sum += value > middle ? 1.0f : 0.0f;
                          }
                          return Values<1>{{sum}};
                        }).value[0];
    (above > static_cast<float>(count) ? low : high) = middle;
  }
  return high;
}

/// The support that SupportUpdate gives at this `part` for the amplitudes [n, n] in `plane`, as 1 and 0 in
/// `plane` again, inside `limit` [n, n] where it is not null; false when there is none and the old one stays.
/// `blurred` and `scratch` hold [n, n] floats and one of each thread, `weights` n + 1. Begins and ends with a
/// barrier.
template <class Block, class Floats>
FLASHPHASE_DEVICE bool shrink_wrap(Block& block, const ShrinkWrap& rule, float part, int n,
                                   const std::uint8_t* limit, Floats plane, Floats blurred, Floats weights,
                                   Floats scratch) {
  const int cells = n * n;
  const float sigma = rule.sigma_at(part), area = rule.area_at(part);
  const float width = ceilf(3 * sigma);
  const int reach = width < static_cast<float>(n) ? static_cast<int>(width) : n;
  spread(block, reach + 1, [&](int d) {
    const float distance = static_cast<float>(d) / sigma;
    weights[d] = d == 0 ? 1.0f : expf(-0.5f * distance * distance);
  });
  block.sync();
  const auto blur = [&](Floats from, Floats to, int step, int stride_of_line) {
    spread(block, cells, [&](int i) {
      const int at = i / stride_of_line % n;  // coordinate along the axis
      float sum = 0;
      for (int d = at < reach ? -at : -reach; d <= reach && at + d < n; ++d) {
        const float weight = weights[d < 0 ? -d : d], value = from[i + d * step];
        sum += weight * value;
      }
      to[i] = sum;
    });
    block.sync();
  };
  blur(plane, blurred, n, n);
  blur(blurred, plane, 1, 1);
  const auto keep_to_limit = [&] {
    if (!limit) return;
    spread(block, cells, [&](int i) {
      if (!limit[i]) plane[i] = 0.0f;
    });
    block.sync();
  };
  keep_to_limit();
  const float largest = largest_of(block, plane, cells, scratch);
  if (!(largest > 0) || !(largest - largest == 0)) return false;
  float threshold = rule.threshold * largest;
  if (area > 0) {
    const auto asked = static_cast<int>(lroundf(area * static_cast<float>(cells)));
    const int count = asked > 1 ? asked : 1;
    threshold = count < cells ? brightest(block, plane, cells, count, largest, scratch) : -1.0f;
  }
  spread(block, cells, [&](int i) {
    const float value = plane[i];
    plane[i] = value > threshold ? 1.0f : 0.0f;
  });
  block.sync();
  for (int turn = 0; turn < rule.grow; ++turn) {
    spread(block, cells, [&](int i) {
      const int y = i / n, x = i % n;
      float inside = plane[i];
      if (y > 0) inside = Larger::combine(inside, plane[i - n]);
      if (y + 1 < n) inside = Larger::combine(inside, plane[i + n]);
      if (x > 0) inside = Larger::combine(inside, plane[i - 1]);
      if (x + 1 < n) inside = Larger::combine(inside, plane[i + 1]);
      blurred[i] = inside;
    });
    block.sync();
    spread(block, cells, [&](int i) {
      const float inside = blurred[i];
      plane[i] = inside;
    });
    block.sync();
  }
  keep_to_limit();
  return true;
}

}  // namespace flashphase::refine::cuda
