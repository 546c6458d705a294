#include <gtest/gtest.h>

#include "tests/engine/device/needs_gpu.h"
#include "tests/engine/infer/network_conformance.h"

namespace flashphase::testing_support {
namespace {

NetworkBackend on_gpu(const char* name, double tolerance, NetworkOptions::Precision precision,
                      const char* network) {
  return {.name = name,
          .tolerance = tolerance,
          .make =
              [precision](const std::string& model, int largest) {
                return make_network(model,
                                    {.cuda_device = 0, .precision = precision, .warm_up_batches = {largest}});
              },
          .network = network,
          .missing = why_no_gpu()};
}

using Precision = NetworkOptions::Precision;

INSTANTIATE_TEST_SUITE_P(Gpu, NetworkConformance,
                         testing::Values(on_gpu("fp32", 1e-8, Precision::fp32, "flash"),
                                         on_gpu("bf16", 5e-2, Precision::bf16, "flash"),
                                         on_gpu("fp16", 5e-3, Precision::fp16, "flash"),
                                         on_gpu("fp32", 1e-8, Precision::fp32, "wu2021"),
                                         on_gpu("bf16", 5e-2, Precision::bf16, "wu2021"),
                                         on_gpu("fp16", 5e-3, Precision::fp16, "wu2021")),
                         name_of);

}  // namespace
}  // namespace flashphase::testing_support
