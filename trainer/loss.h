#pragma once

#include "engine/infer/modules/wu2021_module.h"

namespace flashphase::trainer {

/// Relative squared error of complex objects after the global phase is removed in closed form, against the
/// truth or its twin conj(g(-r)), whichever is nearer: min over g' of (|p|^2 + |g|^2 - 2 |<p, g'>|) / |g|^2.
/// Both [B, 2, n, n]; returns [B].
torch::Tensor twin_aware_error(const torch::Tensor& predicted, const torch::Tensor& truth);

/// [.., k, k] mirrored about the origin [k/2, k/2] (bits 0 and 1 of `turn`) and transposed (bit 2): one of
/// the eight ways in which a detector may lie. A pattern and its object turn alike.
torch::Tensor reoriented(torch::Tensor x, unsigned turn);

/// The parts of the loss of Wu et al. 2021, all [B]: L(x) = sum (x_predicted - x_true)^2 / sum x_true^2 of
/// amplitude, phase and modulus |F|, and Pearson's correlation of the modulus over the pixels.
struct Wu2021Loss {
  torch::Tensor amplitude, phase, modulus, correlation;
};

/// `truth` [B, 2, n, n]; its angle counts as 0, the phase as 1/2, where its amplitude is at most a tenth of
/// its maximum: noise of dark pixels is not learned, and the last ReLU does not die as with a phase of 0
/// there. `truth_modulus` [B, m, m], layout of fft::Fft2. Neither twin nor global phase is allowed for: the
/// paper does not.
Wu2021Loss wu2021_loss(const infer::Wu2021Answer& answer, const torch::Tensor& truth,
                       const torch::Tensor& truth_modulus);

/// Without an object: how far the modulus |F| of the answer [B, 2, n, n] is from the measured A [B, m, m],
/// over the measured pixels alone: sum (|F| - A)^2 / sum A^2 + 1 - r, with r Pearson's correlation of |F| and
/// A over them (both terms are those of Wu et al. 2021 for the modulus). Layout of fft::Fft2; returns [B].
torch::Tensor fourier_pearson_loss(const torch::Tensor& object, const torch::Tensor& modulus,
                                   const torch::Tensor& measured);

/// Negative log-likelihood of Poisson counts k with the expectations mu = |F|^2 (Thibault & Guizar-Sicairos,
/// New J. Phys. 14 (2012) 063004), less its least value and by counted photon: sum [mu - k + k ln(k / mu)] /
/// sum k over the measured pixels. The scale of the pattern drops out, so that k = A^2 of the normalised
/// modulus serves. mu is raised by 1e-6 of the mean count: a dark pixel where photons came costs much, not
/// all. Shapes as above.
torch::Tensor poisson_loss(const torch::Tensor& object, const torch::Tensor& modulus,
                           const torch::Tensor& measured);

}  // namespace flashphase::trainer
