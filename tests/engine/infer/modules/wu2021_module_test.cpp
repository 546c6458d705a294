#include "engine/infer/modules/wu2021_module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <filesystem>
#include <numbers>
#include <stdexcept>
#include <string>

#include "engine/infer/features.h"
#include "engine/infer/modules/module_checkpoint.h"
#include "engine/infer/modules/module_tensors.h"
#include "tests/temporary_folder.h"

namespace flashphase::infer {
namespace {

using testing::HasSubstr;

constexpr int kM = 32, kN = 16;

ModuleInput random_input(int batch) {
  return features_of(torch::rand({batch, kM, kM}) * 100, torch::ones({batch, kM, kM}, torch::kByte)).input;
}

/// Small, and not as it was made: its batch norms have seen a few batches.
std::shared_ptr<Wu2021Module> used_module() {
  torch::manual_seed(7);
  auto module = std::make_shared<Wu2021Module>(Wu2021Options{kM, kN, 4});
  torch::NoGradGuard no_gradient;
  for (int i = 0; i < 3; ++i) module->forward(random_input(6));
  return module;
}

torch::Tensor answer(NetworkModule& module, const ModuleInput& input) {
  torch::NoGradGuard no_gradient;
  module.eval();
  return module.forward(input).back();
}

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST(Wu2021Module, HasTheParametersAndTheWorkOfThePaper) {
  const Wu2021Module module({});
  std::int64_t parameters = 0;
  for (const auto& parameter : module.parameters()) parameters += parameter.numel();
  EXPECT_NEAR(static_cast<double>(parameters), 6.6e6, 0.02 * 6.6e6);
  EXPECT_NEAR(module.convolution_flops(), 1.46e9, 0.01 * 1.46e9);
}

TEST(Wu2021Module, CountsTheWorkOfEveryConvolution) {
  Wu2021Module module({kM, kN, 2});
  // Each weight is used once per pixel of its output.
  const auto work = [&](const std::string& name, int grid) {
    return 2.0 * grid * grid * static_cast<double>(module.named_parameters()[name + ".weight"].numel());
  };
  double expected = 0;
  for (const std::string part : {"a", "b", "c"}) {
    for (int level = 0; level < 4; ++level)
      expected += work("encoder" + std::to_string(level) + part, kM >> level);
    expected += work("bottleneck" + part, kM / 16);
    for (const std::string decoder : {"amplitude", "phase"})
      for (int i = 0; i < 3; ++i) expected += work(decoder + std::to_string(i) + part, kM >> (3 - i));
  }
  expected += work("amplitude_head", kN) + work("phase_head", kN);
  EXPECT_EQ(module.convolution_flops(), expected);
}

TEST(Wu2021Module, LearnsThroughAllOfItsLayers) {
  const auto module = used_module();
  const auto objects = module->forward(random_input(5));
  ASSERT_EQ(objects.size(), 1u);
  EXPECT_EQ(objects[0].sizes(), (std::vector<std::int64_t>{5, 2, kN, kN}));
  (objects[0] * torch::randn_like(objects[0])).sum().backward();
  // A bias right before a batch norm would have none; here a leaky ReLU is in between.
  for (const auto& item : module->named_parameters())
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0) << item.key();
}

TEST(Wu2021Module, PutsThePhasesFromNoughtToOneOnTheFullTurn) {
  Wu2021Answer values{torch::full({1, 1, 4}, 2.0f),
                      torch::tensor({0.0f, 0.25f, 0.5f, 0.75f}).view({1, 1, 4})};
  const torch::Tensor object = object_of(values);
  const std::complex<float> expected[] = {-2.0f, {0, -2}, 2.0f, {0, 2}};
  for (int i = 0; i < 4; ++i) {
    EXPECT_NEAR(object[0][0][0][i].item<float>(), expected[i].real(), 1e-6f) << i;
    EXPECT_NEAR(object[0][1][0][i].item<float>(), expected[i].imag(), 1e-6f) << i;
  }
}

TEST(Wu2021Module, SeesTheModulusOfThePatternItself) {
  const auto module = used_module();
  ModuleInput input = random_input(2);
  const torch::Tensor before = answer(*module, input);
  input.features.slice(1, 4, kFeatureChannels).zero_();  // all but sqrt(I)
  EXPECT_TRUE(answer(*module, input).equal(before));
  input.features.slice(1, 0, 4).mul_(0.5);
  EXPECT_GT(largest_difference(answer(*module, input), before), 1e-4);
}

TEST(Wu2021Module, ComesBackFromItsFileWithTheStatisticsOfItsBatchNorms) {
  const auto module = used_module();
  const TemporaryFolder folder;
  Checkpoint checkpoint;
  checkpoint.info.name = "used";
  store_module(*module, checkpoint);
  write_checkpoint(folder / "model.fpm", checkpoint);
  const auto read = module_from(read_checkpoint(folder / "model.fpm"));
  EXPECT_EQ(read->kind(), "wu2021");
  const torch::Tensor mean = read->named_buffers()["encoder0a_norm.running_mean"];
  EXPECT_GT(mean.abs().max().item<double>(), 1e-3);
  EXPECT_TRUE(mean.equal(module->named_buffers()["encoder0a_norm.running_mean"]));
  const ModuleInput input = random_input(2);
  EXPECT_TRUE(answer(*read, input).equal(answer(*module, input)));
}

TEST(Wu2021Module, IsRefusedWithoutTheStatisticsOfItsBatchNorms) {
  Checkpoint checkpoint;
  checkpoint.info.name = "cut";
  store_module(*used_module(), checkpoint);
  std::erase_if(checkpoint.tensors,
                [](const NamedTensor& tensor) { return tensor.name.ends_with("running_var"); });
  try {
    module_from(checkpoint);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("tensors where its sizes ask for"));
  }
}

TEST(Wu2021Module, InBfloat16KeepsItsBatchNormsInFloat32) {
  const auto module = used_module(), exact = used_module();
  to_inference(*module, torch::kBFloat16);
  EXPECT_EQ(module->named_parameters()["phase0b.weight"].scalar_type(), torch::kBFloat16);
  for (const auto& item : module->state())
    if (item.key().find("norm") != std::string::npos) {
      EXPECT_EQ(item.value().scalar_type(), torch::kFloat) << item.key();
    }
  const ModuleInput input = random_input(3);
  const torch::Tensor expected = answer(*exact, input), apart = answer(*module, input) - expected;
  EXPECT_LT((apart.square().sum() / expected.square().sum()).item<double>(), 1e-2);
}

}  // namespace
}  // namespace flashphase::infer
