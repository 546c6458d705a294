#pragma once

#include <torch/torch.h>

namespace flashphase::trainer {

/// Relative squared error of complex objects after the global phase is removed in closed form, against the
/// truth or its twin conj(g(-r)), whichever is nearer: min over g' of (|p|^2 + |g|^2 - 2 |<p, g'>|) / |g|^2.
/// Both [B, 2, n, n]; returns [B].
torch::Tensor twin_aware_error(const torch::Tensor& predicted, const torch::Tensor& truth);

}  // namespace flashphase::trainer
