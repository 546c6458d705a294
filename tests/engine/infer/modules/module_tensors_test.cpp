#include "engine/infer/modules/module_tensors.h"

#include <gtest/gtest.h>

#include "engine/infer/features.h"
#include "engine/infer/modules/flash_module.h"

namespace flashphase::infer {
namespace {

constexpr int kM = 32, kN = 16, kBatch = 3;

double largest(const torch::Tensor& x) {
  return x.abs().max().item<double>();
}

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return largest(a - b);
}

/// The second of three patterns is dark.
struct Patterns {
  torch::Tensor measured = (torch::rand({kBatch, kM, kM}) > 0.1).to(torch::kByte);
  torch::Tensor intensity = torch::rand({kBatch, kM, kM}) * 50 * measured;

  Patterns() { intensity.select(0, 1).zero_(); }
};

TEST(ModuleTensors, MakeTheFeaturesThatFeatureMakerMakes) {
  torch::manual_seed(1);
  const Patterns patterns;
  const TensorFeatures features = features_of(patterns.intensity, patterns.measured);
  FeatureMaker make_features(kM, kN);
  for (int i = 0; i < kBatch; ++i) {
    const torch::Tensor maps = torch::empty({kM / 2, kM / 2, kFeatureChannels}),
                        modulus = torch::empty({kM, kM}), measured = torch::empty({kM, kM}, torch::kByte);
    const auto intensity = patterns.intensity[i].contiguous(), mask = patterns.measured[i].contiguous();
    const float scale =
        make_features({intensity.data_ptr<float>(), kM * kM}, {mask.data_ptr<std::uint8_t>(), kM * kM},
                      {maps.data_ptr<float>(), modulus.data_ptr<float>(), measured.data_ptr<std::uint8_t>()});
    EXPECT_NEAR(features.scale[i].item<float>(), scale, 1e-5f * scale) << i;
    EXPECT_LT(largest_difference(features.input.features[i], maps.permute({2, 0, 1})), 1e-5) << i;
    EXPECT_LT(largest_difference(features.input.modulus[i], modulus), 1e-4) << i;
    EXPECT_TRUE(features.input.measured[i].equal(measured)) << i;
  }
}

TEST(ModuleTensors, ProjectAsModulusProjectionDoes) {
  torch::manual_seed(2);
  torch::NoGradGuard no_gradient;
  const Patterns patterns;
  const ModuleInput input = features_of(patterns.intensity, patterns.measured).input;
  const torch::Tensor object = torch::randn({kBatch, 2, kN, kN});
  EXPECT_LT(largest_difference(project_on_tensors(object, input.modulus, input.measured),
                               project_modulus(object, input.modulus, input.measured)),
            1e-4);
}

/// What `operation` gives for an object, and the gradient of a random weighting of it.
template <class Operation>
std::pair<torch::Tensor, torch::Tensor> with_gradient(const torch::Tensor& from, Operation operation) {
  torch::manual_seed(5);
  const torch::Tensor object = from.clone().requires_grad_(true);
  const torch::Tensor value = operation(object);
  (value * torch::rand_like(value)).sum().backward();
  return {value.detach(), object.grad()};
}

TEST(ModuleTensors, LearnAsTheOperationsOfTheCpuDo) {
  torch::manual_seed(4);
  const Patterns patterns;
  const ModuleInput input = features_of(patterns.intensity, patterns.measured).input;
  // Spectra that nearly vanish, too, where the gain of the gradient is limited.
  const torch::Tensor object =
      torch::randn({kBatch, 2, kN, kN}) * torch::tensor({1.0f, 1e-3f, 1e-6f}).view({kBatch, 1, 1, 1});
  const auto expect_alike = [&](auto ours, auto theirs) {
    const auto [value, gradient] = with_gradient(object, ours);
    const auto [expected, expected_gradient] = with_gradient(object, theirs);
    for (int i = 0; i < kBatch; ++i) {
      EXPECT_LT(largest_difference(value[i], expected[i]), 1e-4 * (1 + largest(expected[i]))) << i;
      EXPECT_LT(largest_difference(gradient[i], expected_gradient[i]),
                2e-3 * (1e-3 + largest(expected_gradient[i])))
          << i;
    }
  };
  expect_alike([&](const auto& x) { return project_on_tensors(x, input.modulus, input.measured); },
               [&](const auto& x) { return project_modulus(x, input.modulus, input.measured); });
  expect_alike([&](const auto& x) { return chi2_on_tensors(x, input.modulus); },
               [&](const auto& x) { return modulus_chi2(x, input.modulus); });
}

TEST(ModuleTensors, GiveAnObjectThatIsNotFiniteTheResidualOne) {
  torch::manual_seed(3);
  const Patterns patterns;
  const ModuleInput input = features_of(patterns.intensity, patterns.measured).input;
  torch::Tensor object = torch::randn({kBatch, 2, kN, kN});
  object.select(0, 2).fill_(std::numeric_limits<float>::quiet_NaN());
  const torch::Tensor residual = residual_on_tensors(object, input);
  EXPECT_LT(residual[0].item<float>(), 1);
  EXPECT_EQ(residual[1].item<float>(), 1) << "a dark pattern";
  EXPECT_EQ(residual[2].item<float>(), 1) << "not finite";
}

}  // namespace
}  // namespace flashphase::infer
