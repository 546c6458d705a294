#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "engine/infer/cuda/projection.h"
#include "engine/infer/modulus_projection.h"
#include "tests/engine/device/block_emulator.h"

namespace flashphase::infer {
namespace {

using device::Complex;
using device::EmulatedBlock;
using device::PlaneFft;
using device::SharedMemory;

/// The kernel's body in an emulated block, which also finds races, against the CPU's projection.
template <int kSize>
void expect_the_projection_of_the_cpu() {
  constexpr std::size_t kCells = std::size_t{kSize} * kSize, kObject = kCells / 4;
  constexpr int kItems = 2;
  std::mt19937 generator(3);
  std::normal_distribution<float> normal;
  std::vector<float> object(kItems * 2 * kObject), modulus(kItems * kCells), projected(object.size()),
      expected(object.size());
  std::vector<std::uint8_t> measured(kItems * kCells);
  for (float& value : object) value = normal(generator);
  for (float& value : modulus) value = kSize * std::abs(normal(generator));
  for (auto& value : measured) value = normal(generator) > -1;
  const cuda::ProjectionBatch batch{object.data(), modulus.data(), measured.data(), projected.data()};
  ModulusProjection projection(kSize, kSize / 2);
  for (int item = 0; item < kItems; ++item) {
    using Elements = SharedMemory::Pointer<Complex>;
    EmulatedBlock block(PlaneFft<kSize>::kThreads);
    SharedMemory memory(block, 2 * (PlaneFft<kSize>::kElements + PlaneFft<kSize>::kTwists));
    const auto plane = memory.template at<Complex>(0);
    cuda::ProjectionKernel<kSize, EmulatedBlock, Elements>(block, plane, plane + PlaneFft<kSize>::kElements,
                                                           batch, item)
        .run();
    const std::size_t o = static_cast<std::size_t>(item) * 2 * kObject,
                      p = static_cast<std::size_t>(item) * kCells;
    projection.project(&object[o], &object[o + kObject], &modulus[p], &measured[p], &expected[o],
                       &expected[o + kObject], nullptr, nullptr);
  }
  for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(projected[i], expected[i], 2e-4f) << i;
}

TEST(ProjectionKernel, GivesWhatTheCpuGivesOn32) {
  expect_the_projection_of_the_cpu<32>();
}
TEST(ProjectionKernel, GivesWhatTheCpuGivesOn64) {
  expect_the_projection_of_the_cpu<64>();
}
TEST(ProjectionKernel, GivesWhatTheCpuGivesOn128) {
  expect_the_projection_of_the_cpu<128>();
}

}  // namespace
}  // namespace flashphase::infer
