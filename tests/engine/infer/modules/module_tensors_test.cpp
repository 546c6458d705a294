#include "engine/infer/modules/module_tensors.h"

#include <gtest/gtest.h>

#include "engine/infer/features.h"
#include "engine/infer/modules/flash_module.h"

namespace flashphase::infer {
namespace {

constexpr int kM = 32, kN = 16, kBatch = 3;

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
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
