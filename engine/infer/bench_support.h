#pragma once

#include "engine/infer/network.h"

namespace flashphase::infer {

/// Floating-point operations of the convolutions for one pattern, a multiply-add counted as two; 0 for
/// "none".
double network_flops(const Network& network);

/// Rate of a large matrix product on `threads` threads, FLOP/s, in "fp32" or "bf16": the best of several
/// runs.
double measured_peak_flops(int threads, const std::string& precision);

}  // namespace flashphase::infer
