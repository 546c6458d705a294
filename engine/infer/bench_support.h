#pragma once

#include <string>

#include "engine/infer/checkpoint.h"
#include "engine/infer/staged_network.h"

namespace flashphase::infer {

/// A network of this kind, "flash" or "wu2021", in its usual size with random weights.
Checkpoint untrained_network(const std::string& kind);

/// Floating-point operations of the convolutions for one pattern, a multiply-add counted as two.
double network_flops(const Checkpoint& checkpoint);

/// Rate of a large matrix product on the device and threads of `options`, FLOP/s, in "fp32", "bf16" or
/// "fp16": the best of several runs.
double measured_peak_flops(const NetworkOptions& options, const std::string& precision);

/// The same on a GPU.
double measured_cuda_peak_flops(int device, const std::string& precision);

/// How long the last infer() took on the network's GPU; of a batch that was cut, its last chunk.
DeviceTimes device_times(const Network& network);

}  // namespace flashphase::infer
