#include "engine/infer/modules/flash_module.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "engine/infer/features.h"
#include "engine/infer/modules/module_checkpoint.h"

namespace flashphase::infer {
namespace {

constexpr int kPattern = 32, kObject = 16, kBatch = 3;

ModuleInput random_input() {
  return {torch::randn({kBatch, kFeatureChannels, kPattern / 2, kPattern / 2}),
          torch::rand({kBatch, kPattern, kPattern}) + 0.1,
          (torch::rand({kBatch, kPattern, kPattern}) > 0.1).to(torch::kByte)};
}

/// F of an object by torch's own FFT, in the layout of fft::Fft2.
torch::Tensor spectrum(const torch::Tensor& object) {
  const int margin = (kPattern - kObject) / 2;
  auto frame = torch::constant_pad_nd(torch::complex(object.select(1, 0), object.select(1, 1)),
                                      {margin, margin, margin, margin});
  return torch::fft_fft2(torch::fft_ifftshift(frame, {{1, 2}})).transpose(1, 2);
}

torch::Tensor project_by_torch(const torch::Tensor& object, const ModuleInput& input) {
  const auto f = spectrum(object);
  const auto gain =
      torch::where(input.measured > 0, input.modulus / f.abs(), torch::ones_like(input.modulus));
  const auto back = torch::fft_fftshift(torch::fft_ifft2((f * gain).transpose(1, 2)), {{1, 2}});
  const int margin = (kPattern - kObject) / 2;
  const auto crop = back.slice(1, margin, margin + kObject).slice(2, margin, margin + kObject);
  return torch::stack({torch::real(crop), torch::imag(crop)}, 1);
}

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST(ProjectModulus, EqualsTheDefinitionByTorchsTransforms) {
  torch::manual_seed(1);
  const ModuleInput input = random_input();
  const auto object = torch::randn({kBatch, 2, kObject, kObject});
  EXPECT_LT(largest_difference(project_modulus(object, input.modulus, input.measured),
                               project_by_torch(object, input)),
            1e-4);
}

TEST(ProjectModulus, GradientEqualsThatOfTorchsAutomaticDifferentiation) {
  torch::manual_seed(2);
  ModuleInput input = random_input();
  // Bright spectra everywhere, so that the cap on the gain where F vanishes does not act.
  auto seed = torch::zeros({kBatch, 2, kObject, kObject});
  seed.index_put_({torch::indexing::Slice(), 0, kObject / 2, kObject / 2}, 3.0);
  const auto ours = (seed + 0.02 * torch::randn_like(seed)).requires_grad_(true);
  const auto theirs = ours.detach().clone().requires_grad_(true);
  const auto weights = torch::randn({kBatch, 2, kObject, kObject});
  (project_modulus(ours, input.modulus, input.measured) * weights).sum().backward();
  (project_by_torch(theirs, input) * weights).sum().backward();
  EXPECT_GT(theirs.grad().abs().max().item<double>(), 0.01);
  EXPECT_LT(largest_difference(ours.grad(), theirs.grad()), 1e-4);
}

TEST(ModulusChi2, ValueAndGradientEqualThoseOfTorch) {
  torch::manual_seed(3);
  const ModuleInput input = random_input();
  const auto ours = torch::randn({kBatch, 2, kObject, kObject}).requires_grad_(true);
  const auto theirs = ours.detach().clone().requires_grad_(true);
  const auto weights = torch::rand({kBatch});
  const auto value = modulus_chi2(ours, input.modulus);
  const auto expected =
      (spectrum(theirs).abs() - input.modulus).square().sum({1, 2}) / input.modulus.square().sum({1, 2});
  EXPECT_LT(((value - expected) / expected).abs().max().item<double>(), 1e-4);
  (value * weights).sum().backward();
  (expected * weights).sum().backward();
  EXPECT_LT(largest_difference(ours.grad(), theirs.grad()), 1e-4 * theirs.grad().abs().max().item<double>());
}

TEST(FlashModule, AnswersTheSameWithPaddedChannelsAndWithoutGradients) {
  torch::manual_seed(4);
  const ModuleInput input = random_input();
  const auto module = make_flash_module({.pattern_size = kPattern,
                                         .object_size = kObject,
                                         .channels = 8,
                                         .physics_layers = 3,
                                         .physics_channels = 5},
                                        1);
  const auto trained = module->forward(input).back().detach();
  const torch::NoGradGuard no_gradient;
  EXPECT_LT(largest_difference(module->forward(input).back(), trained), 1e-5);
  const auto weights = module->parameters().front().sizes().vec();
  ASSERT_TRUE(module->takes_padded_channels());
  pad_channels(*module, 8);
  EXPECT_NE(module->parameters().front().sizes().vec(), weights);
  for (const auto& parameter : module->parameters()) EXPECT_EQ(parameter.size(0) % 8, 0);
  EXPECT_LT(largest_difference(module->forward(input).back(), trained), 1e-5);
}

TEST(FlashModule, AnswersOncePerLayerAndLearnsThroughAllOfThem) {
  torch::manual_seed(4);
  FlashModule module({kPattern, kObject, 4, 2, 4});
  const auto answers = module.forward(random_input());
  ASSERT_EQ(answers.size(), 3u);
  for (const auto& answer : answers)
    EXPECT_EQ(answer.sizes(), (std::vector<std::int64_t>{kBatch, 2, kObject, kObject}));
  answers.back().square().sum().backward();
  for (const auto& item : module.named_parameters())
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0) << item.key();
}

}  // namespace
}  // namespace flashphase::infer
