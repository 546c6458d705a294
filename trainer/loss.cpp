#include "trainer/loss.h"

#include <numbers>

#include "engine/infer/features.h"
#include "engine/infer/modules/module_tensors.h"

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

/// Maps [B, k, k].
torch::Tensor relative_error(const torch::Tensor& p, const torch::Tensor& g) {
  return (p - g).square().sum({1, 2}) / g.square().sum({1, 2});
}

/// Over all pixels, or over those where `measured` is 1.
torch::Tensor correlation(const torch::Tensor& p, const torch::Tensor& g,
                          const torch::Tensor& measured = {}) {
  const auto from_mean = [&](const torch::Tensor& x) {
    if (!measured.defined()) return x - x.mean({1, 2}, true);
    return measured * (x - (measured * x).sum({1, 2}, true) / measured.sum({1, 2}, true).clamp_min(1));
  };
  const auto a = from_mean(p), b = from_mean(g);
  return (a * b).sum({1, 2}) / (a.square().sum({1, 2}) * b.square().sum({1, 2}) + 1e-12).sqrt();
}

}  // namespace

torch::Tensor twin_aware_error(const torch::Tensor& predicted, const torch::Tensor& truth) {
  const auto energy = truth.square().sum({1, 2, 3});
  const auto best = torch::maximum(overlap(predicted, truth), overlap(predicted, twin_of(truth)));
  return (predicted.square().sum({1, 2, 3}) + energy - 2 * best) / energy;
}

torch::Tensor reoriented(torch::Tensor x, unsigned turn) {
  if (turn & 1) x = x.flip({-2}).roll({1}, {-2});
  if (turn & 2) x = x.flip({-1}).roll({1}, {-1});
  if (turn & 4) x = x.transpose(-1, -2);
  return x;
}

Wu2021Loss wu2021_loss(const infer::Wu2021Answer& answer, const torch::Tensor& truth,
                       const torch::Tensor& truth_modulus) {
  const auto amplitude = truth.square().sum(1).sqrt();
  const auto bright = amplitude > infer::kSupportThreshold * amplitude.amax({1, 2}, true);
  const auto angle = torch::atan2(truth.select(1, 1), truth.select(1, 0)) * bright;
  const auto phase = (angle / std::numbers::pi + 1) / 2;
  const auto modulus = infer::modulus_of(infer::object_of(answer), truth_modulus.size(1));
  return {relative_error(answer.amplitude, amplitude), relative_error(answer.phase, phase),
          relative_error(modulus, truth_modulus), correlation(modulus, truth_modulus)};
}

torch::Tensor fourier_pearson_loss(const torch::Tensor& object, const torch::Tensor& modulus,
                                   const torch::Tensor& measured) {
  const auto mask = measured.to(torch::kFloat);
  const auto predicted = mask * infer::modulus_of(object, modulus.size(1)), seen = mask * modulus;
  return (predicted - seen).square().sum({1, 2}) / seen.square().sum({1, 2}).clamp_min(1e-12) + 1 -
         correlation(predicted, seen, mask);
}

torch::Tensor poisson_loss(const torch::Tensor& object, const torch::Tensor& modulus,
                           const torch::Tensor& measured) {
  const auto mask = measured.to(torch::kFloat);
  const auto counts = mask * modulus.square();
  const auto all = counts.sum({1, 2}, true).clamp_min(1e-12);
  const auto least = 1e-6 * all / mask.sum({1, 2}, true).clamp_min(1);
  const auto expected = infer::modulus_of(object, modulus.size(1)).square() + least;
  const auto terms =
      mask * (expected - counts) - torch::xlogy(counts, expected) + torch::xlogy(counts, counts);
  return terms.sum({1, 2}) / all.squeeze(2).squeeze(1);
}

}  // namespace flashphase::trainer
