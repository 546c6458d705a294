#include "trainer/loss.h"

namespace flashphase::trainer {
namespace {

/// |<p, g>| per item.
torch::Tensor overlap(const torch::Tensor& p, const torch::Tensor& g) {
  const auto real = (p * g).sum({1, 2, 3});
  const auto imaginary = (p.select(1, 1) * g.select(1, 0) - p.select(1, 0) * g.select(1, 1)).sum({1, 2});
  return (real.square() + imaginary.square() + 1e-12).sqrt();
}

/// conj(g(-r)) about the origin [n/2, n/2]: index i goes to (n - i) mod n.
torch::Tensor twin_of(const torch::Tensor& g) {
  const auto mirrored = torch::roll(torch::flip(g, {2, 3}), {1, 1}, {2, 3});
  return torch::stack({mirrored.select(1, 0), -mirrored.select(1, 1)}, 1);
}

}  // namespace

torch::Tensor twin_aware_error(const torch::Tensor& predicted, const torch::Tensor& truth) {
  const auto energy = truth.square().sum({1, 2, 3});
  const auto best = torch::maximum(overlap(predicted, truth), overlap(predicted, twin_of(truth)));
  return (predicted.square().sum({1, 2, 3}) + energy - 2 * best) / energy;
}

}  // namespace flashphase::trainer
