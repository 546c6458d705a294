#pragma once

#include <cmath>

#include "engine/device/block_fft.h"
#include "engine/refine/cuda/program.h"

namespace flashphase::refine::cuda {

using namespace device;  // blocks, their transforms, complex numbers

/// What a Fourier coefficient is projected on: the planes of one frame, in the runner's order.
struct TargetPlanes {
  const float* modulus = nullptr;  ///< -1 where not measured
  const float* low = nullptr;      ///< of use with bounds alone
  const float* high = nullptr;
};

/// The coefficient on its modulus, times `scale`. `root` is the block's 1 / sqrt.
template <bool kBounded, class Block>
FLASHPHASE_DEVICE Complex projected(const Block& block, Complex f, float modulus, const TargetPlanes& target,
                                    int i, float scale, bool wants_sums, Sums& sums) {
  constexpr float tiny = 1e-36f;  // keeps 1 / |F| finite
  const float square = f.re * f.re + f.im * f.im;
  const float safe = square > tiny ? square : tiny;
  const float inverse = block.inverse_root(safe), a = square * inverse;
  const bool measured = modulus >= 0;
  if (wants_sums && measured) sums.add(a, a - modulus);
  float factor = measured ? modulus * inverse : 1.0f;
  if constexpr (kBounded) {
    const float low = target.low[i], high = target.high[i], raised = a > low ? a : low;
    factor = (raised < high ? raised : high) * inverse;
  }
  return (factor * scale) * f;
}

/// Weight of a frequency in the filter of OSS (Iterate::smooth_outside), one axis.
FLASHPHASE_DEVICE float smooth_weight(int k, int m, float width) {
  const float distance = static_cast<float>(k < m - k ? k : m - k) / width;
  return expf(-0.5f * distance * distance);
}

FLASHPHASE_DEVICE Complex mixed(Update::Mix mix, Complex p, Complex g) {
  return {mix.p * p.re + mix.g * g.re, mix.p * p.im + mix.g * g.im};
}

/// The new iterate (see Update), where the update is plain and where it need not be.
FLASHPHASE_DEVICE Complex plainly_updated(Update::Mix outside, Complex p, Complex g, bool inside) {
  const Complex other = mixed(outside, p, g);
  return {inside ? p.re : other.re, inside ? p.im : other.im};
}
FLASHPHASE_DEVICE Complex updated(const Update& update, Complex p, Complex g, bool in_support) {
  bool inside = in_support;
  Update::Mix outside = update.outside;
  if (update.positive) {
    inside = inside && update.test.p * p.re + update.test.g * g.re >= 0;
    if (in_support && p.re >= 0) outside = update.between;
  }
  const Complex in = mixed(update.inside, p, g), out = mixed(outside, p, g);
  return {inside ? in.re : out.re, update.real ? mixed(update.outside, p, g).im : (inside ? in.im : out.im)};
}

/// Accelerated ER (Iterate::accelerate): the new iterate; `last` becomes x. With a factor of 0 it may hold
/// anything before.
FLASHPHASE_DEVICE Complex accelerated(const Update& update, Complex p, Complex& last, bool inside,
                                      float factor) {
  const Complex x{inside ? p.re : 0.0f, inside && !update.real ? p.im : 0.0f};
  const Complex g = factor == 0 ? x : x + factor * (x - last);
  last = x;
  return g;
}

/// The support and what else the difference map constrains an object to.
FLASHPHASE_DEVICE Complex constrained(const Update& update, Complex g, bool inside) {
  if (!inside || (update.positive && g.re < 0)) return {0, 0};
  return {g.re, update.real ? 0.0f : g.im};
}

/// First half of the difference map (Iterate::difference_map): g takes what the support says; gives what is
/// to be projected on the modulus next.
FLASHPHASE_DEVICE Complex begin_difference(const ProgramStep& step, Complex p, Complex& g, bool inside) {
  const float relaxation = 1 / step.beta;
  const Complex a = constrained(step.update, p + relaxation * (p - g), inside);
  const Complex onto = constrained(step.update, g, inside);
  const Complex next = onto + relaxation * (g - onto);
  g = g + step.beta * a;
  return next;
}
/// Second half, with that projection.
FLASHPHASE_DEVICE Complex end_difference(const ProgramStep& step, Complex p, Complex g) {
  return g - step.beta * p;
}

}  // namespace flashphase::refine::cuda
