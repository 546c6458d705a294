#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/infer/checkpoint.h"
#include "tests/trainer/small_fit.h"
#include "trainer/fit.h"

namespace flashphase::trainer {
namespace {

namespace fs = std::filesystem;

class FitResumeTest : public SmallFit {
 protected:
  /// Rows without their last column, the seconds.
  static std::vector<std::string> curve(const std::string& model) {
    std::vector<std::string> rows;
    std::ifstream file(model + ".csv");
    for (std::string line; std::getline(file, line);) rows.push_back(line.substr(0, line.rfind(',')));
    return rows;
  }
};

TEST_F(FitResumeTest, DivergenceLeavesTheLastGoodCheckpointAndNamesIt) {
  options_.stop_after_steps = 3;
  fit(options_);
  const std::string before = infer::read_checkpoint(options_.output).info.hash;
  options_.rate = std::numeric_limits<double>::infinity();
  options_.resume = true;
  options_.checkpoint_seconds = 0;  // at every look
  // The last of one step has a finite gradient, and weights that are not.
  for (const std::uint64_t steps : {1, 0}) {
    options_.stop_after_steps = steps;
    try {
      fit(options_);
      FAIL() << steps;
    } catch (const std::runtime_error& error) {
      EXPECT_NE(
          std::string(error.what()).find(options_.output + " holds the last good checkpoint, of step 3"),
          std::string::npos)
          << error.what();
    }
    EXPECT_EQ(infer::read_checkpoint(options_.output).info.hash, before);
  }
  options_.rate = 1e-3;
  fit(options_);
  EXPECT_EQ(infer::read_checkpoint(options_.output).training.at("samples"), std::to_string(options_.samples));
}

TEST_F(FitResumeTest, DivergenceBeforeTheFirstCheckpointLeavesAnOlderModelAndNamesNone) {
  fit(options_);
  const std::string before = infer::read_checkpoint(options_.output).info.hash;
  options_.rate = std::numeric_limits<double>::infinity();
  options_.overwrite = true;
  try {
    fit(options_);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("no checkpoint was written"), std::string::npos) << error.what();
  }
  EXPECT_EQ(infer::read_checkpoint(options_.output).info.hash, before);
}

TEST_F(FitResumeTest, ResumedTrainingEqualsUninterruptedTrainingAndItsCurveToo) {
  options_.record_steps = 3;
  for (const double ema : {0.0, 0.9}) {
    options_.ema = ema;
    options_.output = folder_ / ("whole" + std::to_string(ema));
    fit(options_);
    const std::string whole = infer::read_checkpoint(options_.output).info.hash;
    ASSERT_EQ(curve(options_.output).size(), 5u);  // its head, and steps 3, 6, 9, 12
    // The learning rate depends on the length of the whole: the interruption must come from outside.
    FitOptions parts = options_;
    parts.output = folder_ / ("parts" + std::to_string(ema));
    parts.stop_after_steps = 5;
    fit(parts);
    EXPECT_NE(infer::read_checkpoint(parts.output).info.hash, whole);
    parts.stop_after_steps = 0;
    parts.resume = true;
    fit(parts);
    EXPECT_EQ(infer::read_checkpoint(parts.output).info.hash, whole);
    EXPECT_EQ(curve(parts.output), curve(options_.output));
  }
}

TEST_F(FitResumeTest, TheModelHoldsTheAverageOfTheWeightsAndTheStateTheWeights) {
  options_.samples = 16 * 2;
  fit(options_);  // two steps: the weights w1, w2
  const auto tensors = [](const std::string& path) { return infer::read_checkpoint(path).tensors; };
  const auto second = tensors(options_.output);
  FitOptions one = options_;
  one.output = folder_ / "one.fpm";
  one.stop_after_steps = 1;
  fit(one);
  FitOptions averaged = options_;
  averaged.output = folder_ / "averaged.fpm";
  averaged.ema = 0.999;
  fit(averaged);
  FitOptions start = options_;
  start.output = folder_ / "start.fpm";
  start.rate = 1e-30;
  fit(start);
  const auto zeroth = tensors(start.output), first = tensors(one.output), average = tensors(averaged.output);
  double moved = 0;
  for (std::size_t i = 0; i < average.size(); ++i)
    for (std::size_t k = 0; k < average[i].values.size(); ++k) {
      // d = t / (t + 10) is 1/11 in the first step, 2/12 in the second.
      const double a1 = zeroth[i].values[k] / 11 + first[i].values[k] * 10 / 11;
      ASSERT_NEAR(average[i].values[k], a1 / 6 + second[i].values[k] * 5 / 6, 1e-6) << average[i].name;
      moved = std::max(moved, std::abs(static_cast<double>(average[i].values[k] - second[i].values[k])));
    }
  EXPECT_GT(moved, 1e-7);
  // Resumed without an average, the weights themselves come out.
  averaged.resume = true;
  averaged.ema = 0;
  fit(averaged);
  const auto raw = tensors(averaged.output);
  for (std::size_t i = 0; i < raw.size(); ++i) EXPECT_EQ(raw[i].values, second[i].values) << raw[i].name;
}

TEST_F(FitResumeTest, RefusesAnAverageThatIsNone) {
  for (const double ema : {-0.1, 1.0}) {
    options_.ema = ema;
    EXPECT_THROW(fit(options_), std::invalid_argument) << ema;
  }
}

TEST_F(FitResumeTest, ResumedTrainingOfWu2021EqualsUninterruptedTraining) {
  choose_wu2021();
  fit(options_);
  const std::string whole = infer::read_checkpoint(options_.output).info.hash;
  options_.stop_after_steps = 5;
  options_.overwrite = true;
  fit(options_);
  EXPECT_NE(infer::read_checkpoint(options_.output).info.hash, whole);
  options_.stop_after_steps = 0;
  options_.overwrite = false;
  options_.resume = true;
  fit(options_);
  EXPECT_EQ(infer::read_checkpoint(options_.output).info.hash, whole);
}

TEST_F(FitResumeTest, SaysWhenThereIsNothingToResume) {
  options_.resume = true;
  EXPECT_THROW(fit(options_), std::runtime_error);
  options_.resume = false;
  fit(options_);
  fs::remove(options_.output + ".state");
  options_.resume = true;
  EXPECT_THROW(fit(options_), std::runtime_error);
}

}  // namespace
}  // namespace flashphase::trainer
