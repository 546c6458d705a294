#include "engine/infer/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/device/device_lost.h"
#include "engine/infer/bench_support.h"
#include "engine/infer/modules/module_checkpoint.h"
#include "engine/score/score.h"
#include "engine/simulate/detector.h"
#include "engine/simulate/particle.h"
#include "tests/temporary_folder.h"

namespace flashphase {
namespace {

using testing::HasSubstr;

PatternBatch random_patterns(int count, unsigned seed) {
  std::mt19937 generator(seed);
  std::exponential_distribution<float> exponential(0.02f);
  PatternBatch batch(count, 64);
  std::ranges::generate(batch.intensity, [&] { return exponential(generator); });
  return batch;
}

/// An untrained network of small size in a file: arbitrary numbers, but all of the machinery.
class FlashNetworkTest : public testing::Test {
 protected:
  FlashNetworkTest() {
    checkpoint_.info.name = "untrained";
    checkpoint_.info.domain = {1e3f, 0, 0.1f, 8};
    infer::store_module(*infer::make_flash_module({64, 32, 4, 2, 4}, 5), checkpoint_);
    infer::write_checkpoint(path_, checkpoint_);
  }

  std::string error() const {
    infer::write_checkpoint(path_, checkpoint_);
    try {
      make_network(path_);
    } catch (const std::runtime_error& caught) {
      return caught.what();
    }
    return "no error";
  }

  static ObjectBatch answer(Network& network, const PatternBatch& patterns) {
    ObjectBatch objects;
    network.infer(patterns, objects);
    return objects;
  }

  static double difference(const ObjectBatch& a, const ObjectBatch& b) {
    double apart = 0, size = 0;
    for (std::size_t i = 0; i < a.object.size(); ++i) {
      apart += static_cast<double>(std::norm(a.object[i] - b.object[i]));
      size += static_cast<double>(std::norm(a.object[i]));
    }
    return apart / size;
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "model.fpm";
  infer::Checkpoint checkpoint_;
};

TEST_F(FlashNetworkTest, AnswersBitForBitTheSameTwice) {
  const PatternBatch patterns = random_patterns(3, 2);
  const auto first = make_network(path_), second = make_network(path_);
  EXPECT_EQ(answer(*first, patterns).object, answer(*second, patterns).object);
}

TEST_F(FlashNetworkTest, InBfloat16StaysCloseToFloat32) {
  const PatternBatch patterns = random_patterns(4, 3);
  const auto exact = make_network(path_, {.precision = NetworkOptions::Precision::fp32});
  const auto fast = make_network(path_, {.precision = NetworkOptions::Precision::bf16});
  EXPECT_EQ(fast->precision(), "bf16");
  const double apart = difference(answer(*exact, patterns), answer(*fast, patterns));
  EXPECT_GT(apart, 0);
  EXPECT_LT(apart, 5e-2);  // relative squared difference; random weights amplify rounding
}

TEST_F(FlashNetworkTest, HasFp16OnAGpuAlone) {
  EXPECT_THROW(make_network(path_, {.precision = NetworkOptions::Precision::fp16}), std::runtime_error);
}

TEST_F(FlashNetworkTest, RefusesAGpuThatIsNotThere) {
  EXPECT_THROW(make_network(path_, {.cuda_device = 97}), DeviceUnusable);
}

TEST_F(FlashNetworkTest, GivesTheSameOnTwoThreads) {
  const PatternBatch patterns = random_patterns(9, 6);
  for (const auto precision : {NetworkOptions::Precision::fp32, NetworkOptions::Precision::bf16}) {
    const auto one = make_network(path_, {.precision = precision, .threads = 1});
    const auto two = make_network(path_, {.precision = precision, .threads = 2});
    EXPECT_LT(difference(answer(*two, patterns), answer(*one, patterns)), 1e-9);
  }
}

TEST_F(FlashNetworkTest, GivesAFrameTheSameInAnyBatchToTheToleranceStated) {
  const std::string shipped = std::string(std::getenv("FLASHPHASE_SOURCE_DIR")) + "/deploy/models/flash.fpm";
  PatternBatch patterns(16, 64);
  const simulate::Recipe recipe = simulate::shipped_recipe("paper");
  simulate::ParticleSimulator particles(recipe);
  simulate::DetectorSimulator detector(recipe);
  for (std::uint64_t i = 0; i < 16; ++i) {
    const auto at = static_cast<std::size_t>(i) * patterns.pattern_cells();
    detector.pattern(particles.object(i), i,
                     std::span(patterns.intensity).subspan(at, patterns.pattern_cells()),
                     std::span(patterns.measured).subspan(at, patterns.pattern_cells()));
  }
  for (const std::string& model : {path_, shipped}) {
    const auto network = make_network(model, {.precision = NetworkOptions::Precision::fp32});
    const ObjectBatch together = answer(*network, patterns);
    for (int i = 0; i < patterns.count; ++i) {
      PatternBatch one(1, patterns.size);
      std::ranges::copy(patterns.intensity_of(i), one.intensity.begin());
      ObjectBatch of_batch(1, together.size);
      std::ranges::copy(together.object_of(i), of_batch.object.begin());
      EXPECT_LE(difference(of_batch, answer(*network, one)), kBatchTolerance) << model << ' ' << i;
    }
  }
}

TEST_F(FlashNetworkTest, ReportsItsWork) {
  EXPECT_GT(infer::network_flops(checkpoint_), 1e6);
}

TEST_F(FlashNetworkTest, RefusesAModelOfAnotherKind) {
  checkpoint_.network = "transformer";
  EXPECT_THAT(error(), HasSubstr("kind 'transformer'"));
}

TEST_F(FlashNetworkTest, RefusesSizesThatDoNotFitTheTensors) {
  checkpoint_.sizes["channels"] = 8;
  EXPECT_THAT(error(), HasSubstr("does not fit its sizes"));
}

TEST_F(FlashNetworkTest, RefusesSizesOutOfRangeOrMissing) {
  checkpoint_.sizes["channels"] = 0;
  EXPECT_THAT(error(), HasSubstr("sizes.channels"));
  checkpoint_.sizes.erase("physics_layers");
  checkpoint_.sizes["channels"] = 4;
  EXPECT_THAT(error(), HasSubstr("sizes.physics_layers"));
}

TEST_F(FlashNetworkTest, RefusesAWeightThatIsNotFinite) {
  checkpoint_.tensors.front().values.front() = std::nanf("");
  EXPECT_THAT(error(), HasSubstr("not finite"));
}

TEST(NoneNetwork, GivesTheAutocorrelationOfTwoPointsAtTheirDistance) {
  const auto network = make_network("none");
  PatternBatch patterns(1, 64);
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 64; ++x)  // two equal points 6 pixels apart along x: fringes
      patterns.intensity[static_cast<std::size_t>(y * 64 + x)] =
          100 * (2 + 2 * std::cos(2 * 3.14159265f * static_cast<float>((x - 32) * 6) / 64));
  ObjectBatch objects;
  network->infer(patterns, objects);
  const auto amplitude = [&](int y, int x) {
    return std::abs(objects.object[static_cast<std::size_t>(y * 32 + x)]);
  };
  const float centre = amplitude(16, 16);
  EXPECT_GT(centre, 0);
  EXPECT_NEAR(amplitude(16, 22) / centre, std::sqrt(0.5f), 1e-3);
  EXPECT_NEAR(amplitude(16, 10) / centre, std::sqrt(0.5f), 1e-3);
  EXPECT_LT(amplitude(22, 16) / centre, 1e-2);
  EXPECT_EQ(objects.support[16 * 32 + 22], 1);
  EXPECT_EQ(objects.support[0], 0);
}

}  // namespace
}  // namespace flashphase
