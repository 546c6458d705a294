#include <gtest/gtest.h>

#include "engine/infer/modules/module_checkpoint.h"
#include "tests/engine/infer/network_conformance.h"
#include "tests/engine/infer/tensor_stages.h"

namespace flashphase::testing_support {
namespace {

auto on_cpu(NetworkOptions::Precision precision) {
  return [precision](const std::string& model, int largest) {
    return make_network(model, {.precision = precision, .warm_up_batches = {largest}});
  };
}

/// What a GPU runs, by the same path but for the device.
std::unique_ptr<Network> on_tensors(const std::string& model, int largest) {
  const infer::Checkpoint checkpoint = infer::read_checkpoint(model);
  const infer::BlockLayout layout{checkpoint.info.pattern_size, checkpoint.info.object_size};
  return std::make_unique<infer::StagedNetwork>(
      checkpoint.info, "fp32", std::make_unique<TensorStages>(infer::module_from(checkpoint), layout),
      infer::buckets_up_to(largest));
}

INSTANTIATE_TEST_SUITE_P(
    Cpu, NetworkConformance,
    testing::Values(NetworkBackend{"fp32", 1e-10, on_cpu(NetworkOptions::Precision::fp32)},
                    NetworkBackend{"bf16", 5e-2, on_cpu(NetworkOptions::Precision::bf16)},
                    NetworkBackend{"tensors", 1e-8, on_tensors},
                    NetworkBackend{"fp32", 1e-9, on_cpu(NetworkOptions::Precision::fp32), "wu2021"},
                    NetworkBackend{"bf16", 5e-2, on_cpu(NetworkOptions::Precision::bf16), "wu2021"},
                    NetworkBackend{"tensors", 1e-8, on_tensors, "wu2021"}),
    name_of);

}  // namespace
}  // namespace flashphase::testing_support
