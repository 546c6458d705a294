#include "trainer/adapt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "engine/dataset/dataset.h"
#include "engine/infer/checkpoint.h"
#include "tests/temporary_folder.h"
#include "trainer/fit.h"
#include "trainer/generate.h"

namespace flashphase::trainer {
namespace {

using testing::HasSubstr;

/// A network that has learned little, and patterns of another kind than its own, of which the objects are
/// thrown away.
class AdaptTest : public testing::Test {
 protected:
  AdaptTest() {
    const std::string recipe = folder_ / "own.yaml", other = folder_ / "other.yaml";
    std::ofstream(recipe) << "object_size: 16\nsemi_axis: [2.5, 5]\nphase_length: [4, 16]\n";
    std::ofstream(other) << "object_size: 16\nsemi_axis: [2, 3]\nphase_span: 0\nnoise_free_fraction: 0\n"
                            "photons: [1e6, 1e7]\n";
    FitOptions model;
    model.recipe = recipe;
    model.output = options_.model;
    model.batch = 16;
    model.samples = 16 * 40;
    model.channels = model.physics_channels = 4;
    model.physics_layers = 1;
    fit(model);
    write_patterns(other, 20);
  }

  void write_patterns(const std::string& recipe, std::size_t count) {
    GenerateOptions set;
    set.output = options_.data;
    set.recipe = recipe;
    set.count = count;
    set.threads = 1;
    set.overwrite = true;
    generate(set);
    Dataset patterns = read_dataset(options_.data, 0, count);
    patterns.object_size = 0;
    patterns.objects.clear();
    write_dataset(options_.data, patterns);
  }

  std::string refusal() {
    try {
      adapt(options_);
    } catch (const std::exception& error) {
      EXPECT_FALSE(std::filesystem::exists(options_.output));
      return error.what();
    }
    return "(none)";
  }

  TemporaryFolder folder_;
  AdaptOptions options_ = [this] {
    AdaptOptions options;
    options.model = folder_ / "parent.fpm";
    options.data = folder_ / "measured.h5";
    options.output = folder_ / "adapted.fpm";
    options.steps = 30;
    options.batch = 8;
    options.rate = 1e-3;
    return options;
  }();
};

TEST_F(AdaptTest, BringsTheResidualOfUnseenFramesDownAndNamesItsParent) {
  const AdaptReport report = adapt(options_);
  EXPECT_EQ(report.trained, 16u);
  EXPECT_EQ(report.held_out, 4u);
  EXPECT_LT(report.after.residual, 0.9 * report.before.residual);
  EXPECT_LT(report.after.excess, report.before.excess);
  EXPECT_LE(report.after.simulated, 1.1 * report.before.simulated);
  const infer::Checkpoint parent = infer::read_checkpoint(options_.model),
                          adapted = infer::read_checkpoint(options_.output);
  EXPECT_EQ(adapted.training.at("parent"), parent.info.hash);
  EXPECT_EQ(adapted.info.name, "flash-adapted");
  EXPECT_EQ(adapted.recipe, parent.recipe);
  EXPECT_NE(adapted.tensors[0].values, parent.tensors[0].values);
}

TEST_F(AdaptTest, HandsOverNoModelThatIsNoBetterOrForgets) {
  options_.rate = 1e-30;
  EXPECT_THAT(refusal(), HasSubstr("no better on the 4 frames held out"));
  options_.rate = 1e-3;
  options_.may_forget = -0.9;
  EXPECT_THAT(refusal(), HasSubstr("forgotten"));
}

TEST_F(AdaptTest, SaysWhatDoesNotFit) {
  options_.frames = 9;
  EXPECT_THAT(refusal(), HasSubstr("has 9 patterns with an image; to adapt to them takes 10"));
  options_.frames = 0;
  options_.hold_out = 1;
  EXPECT_THROW(adapt(options_), std::invalid_argument);
  options_.hold_out = 5;
  std::ofstream(folder_ / "large.yaml") << "object_size: 32\n";
  options_.recipe = folder_ / "large.yaml";
  EXPECT_THAT(refusal(), HasSubstr("the recipe gives patterns of 64 pixels; the model takes 32"));
  options_.recipe.clear();
  write_patterns(folder_ / "large.yaml", 2);
  EXPECT_THAT(refusal(), HasSubstr("has patterns of 64 pixels; the model takes 32"));
  options_.output = options_.model;
  EXPECT_THROW(adapt(options_), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::trainer
