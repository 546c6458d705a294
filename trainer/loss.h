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

}  // namespace flashphase::trainer
