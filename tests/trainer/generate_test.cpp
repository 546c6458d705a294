#include "trainer/generate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "engine/dataset/dataset.h"
#include "engine/simulate/recipe.h"
#include "tests/temporary_folder.h"

namespace flashphase::trainer {
namespace {

namespace fs = std::filesystem;

class GenerateTest : public testing::Test {
 protected:
  GenerateTest() {
    std::ofstream(small_) << "object_size: 8\nsemi_axis: [1, 2]\nedge_sigma: 0.5\ndead_fraction: 0.01\n";
  }

  GenerateOptions options(const std::string& name, unsigned threads, std::uint64_t seed) const {
    GenerateOptions options;
    options.output = folder_ / name;
    options.recipe = "training";
    options.count = 50;
    options.seed = seed;
    options.threads = threads;
    return options;
  }
  Dataset generated(const std::string& name, unsigned threads, std::uint64_t seed) const {
    generate(options(name, threads, seed));
    return read_dataset(folder_ / name);
  }
  /// Three pieces.
  GenerateOptions three_pieces(const std::string& name, unsigned threads) const {
    GenerateOptions many = options(name, threads, 5);
    many.recipe = small_;
    many.count = 2500;
    return many;
  }
  static std::string bytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// What is left of a run whose file the disk does not take, and then of one that is killed.
  void break_off(const GenerateOptions& run) const {
    fs::create_directory(run.output + ".part");
    EXPECT_THROW(generate(run), std::runtime_error);
    fs::remove(run.output + ".part");
    EXPECT_FALSE(fs::exists(run.output));
    fs::resize_file(run.output + ".pieces", fs::file_size(run.output + ".pieces") * 6 / 10);
  }
  static std::string refusal(const GenerateOptions& run) {
    try {
      generate(run);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  }

  TemporaryFolder folder_;
  std::string small_ = folder_ / "small.yaml";
};

TEST_F(GenerateTest, GivesTheSameFileForAnyNumberOfThreads) {
  const Dataset one = generated("one.h5", 1, 5), three = generated("three.h5", 3, 5);
  EXPECT_EQ(one.count, 50);
  EXPECT_EQ(one.objects, three.objects);
  EXPECT_EQ(bytes(folder_ / "one.h5"), bytes(folder_ / "three.h5"));
}

TEST_F(GenerateTest, GivesTheSameFileWhenItIsBrokenOffAndResumed) {
  generate(three_pieces("whole.h5", 1));
  GenerateOptions run = three_pieces("broken.h5", 2);
  break_off(run);
  run.resume = true;
  run.threads = 1;
  generate(run);
  EXPECT_EQ(bytes(run.output), bytes(folder_ / "whole.h5"));
  EXPECT_EQ(read_dataset(run.output).count, 2500);
  EXPECT_FALSE(fs::exists(run.output + ".pieces"));
}

TEST_F(GenerateTest, BeginsWhereThereIsNothingToResume) {
  GenerateOptions run = options("new.h5", 1, 5);
  run.resume = true;
  generate(run);
  EXPECT_EQ(read_dataset(run.output).count, 50);
}

TEST_F(GenerateTest, GoesOnWithNothingOfAnotherRecipeOrSeed) {
  GenerateOptions run = three_pieces("set.h5", 1);
  break_off(run);
  const std::string left = bytes(run.output + ".pieces");
  EXPECT_THAT(refusal(run), testing::HasSubstr("--resume goes on"));
  run.resume = true;
  run.seed = 6;
  EXPECT_THAT(refusal(run), testing::HasSubstr("another recipe, seed"));
  run.seed = 5;
  run.recipe = "paper";
  EXPECT_THAT(refusal(run), testing::HasSubstr("another recipe, seed"));
  EXPECT_EQ(bytes(run.output + ".pieces"), left);
  run.resume = false;
  run.overwrite = true;
  run.count = 10;
  generate(run);
  EXPECT_EQ(read_dataset(run.output).pattern_size, 64);
}

TEST_F(GenerateTest, GivesAnotherSetForAnotherSeed) {
  EXPECT_NE(generated("a.h5", 1, 5).objects, generated("b.h5", 1, 6).objects);
}

TEST_F(GenerateTest, KeepsTheRecipeInTheFile) {
  EXPECT_EQ(simulate::parse_recipe(generated("a.h5", 1, 1).recipe), simulate::shipped_recipe("training"));
}

TEST_F(GenerateTest, RefusesARecipeThatIsNotThereOrDoesNotFit) {
  GenerateOptions run = options("set.h5", 1, 1);
  run.recipe = folder_ / "missing.yaml";
  EXPECT_THAT(refusal(run), testing::HasSubstr("missing.yaml"));
  run.recipe = folder_ / "bad.yaml";
  std::ofstream(run.recipe) << "photon_count: 7\n";
  EXPECT_THAT(refusal(run), testing::HasSubstr("'photon_count' is unknown"));
  EXPECT_FALSE(fs::exists(run.output) || fs::exists(run.output + ".pieces"));
}

}  // namespace
}  // namespace flashphase::trainer
