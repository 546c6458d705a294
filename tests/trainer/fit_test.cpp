#include "trainer/fit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "engine/dataset/dataset.h"
#include "engine/device/cuda_devices.h"
#include "engine/device/device_lost.h"
#include "engine/infer/checkpoint.h"
#include "tests/trainer/small_fit.h"
#include "trainer/evaluate.h"

namespace flashphase::trainer {
namespace {

namespace fs = std::filesystem;

class FitTest : public SmallFit {};

TEST_F(FitTest, LearnsAndWritesAModelThatStatesItsDomain) {
  options_.samples = 16;
  fit(options_);
  const double before = evaluate({options_.output, data_, {0}, 100, false})[0].real_space_error.mean;
  options_.samples = 16 * 400;
  options_.overwrite = true;
  fit(options_);
  EXPECT_LT(evaluate({options_.output, data_, {0}, 100, false})[0].real_space_error.mean, 0.7 * before);
  const infer::Checkpoint checkpoint = infer::read_checkpoint(options_.output);
  EXPECT_EQ(checkpoint.info.pattern_size, 32);
  EXPECT_EQ(checkpoint.training.at("samples"), std::to_string(16 * 400));
  EXPECT_EQ(checkpoint.recipe, read_dataset(data_, 0, 1).recipe);
}

TEST_F(FitTest, LearnsFromSimulatedParticlesOnSeveralThreads) {
  options_.data.clear();
  options_.recipe = folder_ / "small.yaml";
  options_.threads = 2;
  options_.samples = 16;
  fit(options_);
  const double before = evaluate({options_.output, data_, {0}, 100, false})[0].real_space_error.mean;
  options_.samples = 16 * 100;
  options_.overwrite = true;
  fit(options_);
  EXPECT_LT(evaluate({options_.output, data_, {0}, 100, false})[0].real_space_error.mean, 0.7 * before);
  EXPECT_EQ(infer::read_checkpoint(options_.output).training.at("objects"), "simulated");
}

TEST_F(FitTest, EndsWhenItsMinutesAreUp) {
  options_.samples = 1;  // not what ends it
  options_.minutes = 0.02;
  fit(options_);
  EXPECT_GT(std::stoi(infer::read_checkpoint(options_.output).training.at("samples")), 16);
}

TEST_F(FitTest, RefusesAGpuThatIsNotThere) {
  if (!cuda_devices().devices.empty()) GTEST_SKIP() << "there is one";
  options_.backend = "cuda";
  EXPECT_THROW(fit(options_), DeviceUnusable);
}

TEST_F(FitTest, TrainsWu2021) {
  choose_wu2021();
  options_.samples = 16;
  fit(options_);
  const auto before = evaluate({options_.output, data_, {0}, 100, false})[0];
  options_.samples = 16 * 120;
  options_.overwrite = true;
  fit(options_);
  const auto after = evaluate({options_.output, data_, {0}, 100, false})[0];
  EXPECT_LT(after.real_space_error.mean, 0.7 * before.real_space_error.mean);
  EXPECT_LT(after.modulus_chi2.mean, 0.7 * before.modulus_chi2.mean);
  const infer::Checkpoint checkpoint = infer::read_checkpoint(options_.output);
  EXPECT_EQ(checkpoint.network, "wu2021");
  EXPECT_EQ(checkpoint.info.name, "wu2021");
  EXPECT_EQ(checkpoint.training.at("rate"), std::to_string(0.01));
}

TEST_F(FitTest, BeginsWithTheWeightsOfAModelThatMayLackPhysicsLayers) {
  fit(options_);
  FitOptions more = options_;
  more.from = options_.output;
  more.output = folder_ / "more.fpm";
  more.physics_layers = 2;
  more.rate = 1e-12;
  fit(more);
  const infer::Checkpoint start = infer::read_checkpoint(options_.output),
                          end = infer::read_checkpoint(more.output);
  EXPECT_EQ(end.training.at("from"), start.info.hash);
  ASSERT_GT(end.tensors.size(), start.tensors.size());
  for (const auto& tensor : start.tensors) {
    const auto same = std::ranges::find(end.tensors, tensor.name, &infer::NamedTensor::name);
    ASSERT_NE(same, end.tensors.end()) << tensor.name;
    for (std::size_t i = 0; i < tensor.values.size(); ++i)
      ASSERT_NEAR(same->values[i], tensor.values[i], 1e-6f) << tensor.name;
  }
}

TEST_F(FitTest, RefusesToBeginOrGoOnWithAnotherNetwork) {
  fit(options_);
  FitOptions other = options_;
  other.resume = true;
  other.network = "wu2021";
  other.physics_layers = other.physics_channels = {};
  EXPECT_THROW(fit(other), std::invalid_argument) << "resume";
  other.resume = false;
  other.from = options_.output;
  other.output = folder_ / "other.fpm";
  EXPECT_THROW(fit(other), std::invalid_argument) << "from";
  FitOptions fewer = options_;
  fewer.from = options_.output;
  fewer.physics_layers = 0;
  EXPECT_THROW(fit(fewer), std::invalid_argument) << "fewer layers";
}

TEST_F(FitTest, LearnsByEachLossAndOptimizerAndSaysWhich) {
  options_.channels = options_.physics_channels = 2;
  options_.overwrite = true;
  for (const auto& [loss, optimizer] :
       {std::pair{"fourier_pearson", "adamw"}, {"poisson", "adam"}, {"twin_aware", "sgd"}}) {
    options_.loss = loss;
    options_.optimizer = optimizer;
    options_.warm_up = 5;
    options_.samples = 16;
    fit(options_);
    const double before = evaluate({options_.output, data_, {0}, 100, false})[0].modulus_chi2.mean;
    options_.samples = 16 * 60;
    fit(options_);
    EXPECT_LT(evaluate({options_.output, data_, {0}, 100, false})[0].modulus_chi2.mean, 0.9 * before) << loss;
    const infer::Checkpoint model = infer::read_checkpoint(options_.output);
    EXPECT_EQ(model.training.at("loss"), loss);
    EXPECT_EQ(model.training.at("optimizer"), optimizer);
  }
  options_.overwrite = false;
  options_.resume = true;
  options_.optimizer = "adam";
  EXPECT_THROW(fit(options_), std::invalid_argument) << "made by another";
}

TEST_F(FitTest, RefusesLossAndOptimizerThatDoNotFit) {
  const auto refused = [&](auto change) {
    FitOptions options = options_;
    change(options);
    EXPECT_THROW(fit(options), std::invalid_argument);
  };
  refused([](FitOptions& o) { o.loss = "wu2021"; });  // flash gives no amplitude and phase
  refused([](FitOptions& o) { o.loss = "l1"; });
  refused([](FitOptions& o) { o.optimizer = "lion"; });
  refused([](FitOptions& o) { o.schedule = "linear"; });
  refused([](FitOptions& o) { o.weight_decay = 0.1; });  // of adam
  refused([](FitOptions& o) {
    o.loss = "poisson";
    o.modulus_weight = 2;
  });
}

TEST_F(FitTest, RefusesADatasetWithoutObjectsAndSenselessOptions) {
  Dataset patterns = read_dataset(data_, 0, 4);
  patterns.objects.clear();
  patterns.object_size = 0;
  const std::string bare = folder_ / "bare.h5";
  write_dataset(bare, patterns);
  FitOptions options = options_;
  options.data = bare;
  EXPECT_THROW(fit(options), std::runtime_error);
  options = options_;
  options.batch = 0;
  EXPECT_THROW(fit(options), std::invalid_argument);
  options = options_;
  options.network = "wu2021";  // has no physics layers
  EXPECT_THROW(fit(options), std::invalid_argument);
  options = options_;
  options.network = "resnet";
  EXPECT_THROW(fit(options), std::invalid_argument);
  options = options_;
  options.rate = -1;
  EXPECT_THROW(fit(options), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::trainer
