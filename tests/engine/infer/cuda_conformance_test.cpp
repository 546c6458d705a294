#include <gtest/gtest.h>

#include "tests/engine/infer/network_conformance.h"

namespace flashphase::testing_support {
namespace {

auto on_gpu(NetworkOptions::Precision precision) {
  return [precision](const std::string& model, int largest) {
    return make_network(model, {.cuda_device = 0, .precision = precision, .warm_up_batches = {largest}});
  };
}

INSTANTIATE_TEST_SUITE_P(
    Gpu, NetworkConformance,
    testing::Values(NetworkBackend{"fp32", 1e-8, on_gpu(NetworkOptions::Precision::fp32)},
                    NetworkBackend{"bf16", 5e-2, on_gpu(NetworkOptions::Precision::bf16)},
                    NetworkBackend{"fp16", 5e-3, on_gpu(NetworkOptions::Precision::fp16)},
                    NetworkBackend{"fp32", 1e-8, on_gpu(NetworkOptions::Precision::fp32), "wu2021"},
                    NetworkBackend{"bf16", 5e-2, on_gpu(NetworkOptions::Precision::bf16), "wu2021"},
                    NetworkBackend{"fp16", 5e-3, on_gpu(NetworkOptions::Precision::fp16), "wu2021"}),
    name_of);

}  // namespace
}  // namespace flashphase::testing_support
