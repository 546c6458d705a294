#include "trainer/generate.h"

#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>
#include <string>

#include "engine/dataset/dataset.h"
#include "tests/temporary_folder.h"

namespace flashphase::trainer {
namespace {

class GenerateTest : public testing::Test {
 protected:
  Dataset generated(const std::string& name, unsigned threads, std::uint64_t seed) const {
    GenerateOptions options;
    options.output = folder_ / name;
    options.recipe = "training";
    options.count = 50;
    options.seed = seed;
    options.threads = threads;
    generate(options);
    return read_dataset(options.output);
  }

  TemporaryFolder folder_;
};

TEST_F(GenerateTest, GivesTheSameSetForAnyNumberOfThreads) {
  const Dataset one = generated("one.h5", 1, 5), three = generated("three.h5", 3, 5);
  EXPECT_EQ(one.count, 50);
  EXPECT_EQ(one.patterns, three.patterns);
  EXPECT_EQ(one.objects, three.objects);
  EXPECT_EQ(one.mask, three.mask);
}

TEST_F(GenerateTest, GivesAnotherSetForAnotherSeed) {
  EXPECT_NE(generated("a.h5", 1, 5).objects, generated("b.h5", 1, 6).objects);
}

TEST_F(GenerateTest, KeepsTheRecipeInTheFile) {
  EXPECT_EQ(simulate::parse_recipe(generated("a.h5", 1, 1).recipe), simulate::training_recipe());
}

TEST_F(GenerateTest, RefusesARecipeThatIsNotThereOrDoesNotFit) {
  EXPECT_THROW(load_recipe(folder_ / "missing.yaml"), std::invalid_argument);
  const std::string bad = folder_ / "bad.yaml";
  std::ofstream(bad) << "photon_count: 7\n";
  EXPECT_THROW(load_recipe(bad), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::trainer
