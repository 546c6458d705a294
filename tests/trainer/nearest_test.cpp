#include "trainer/nearest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/dataset/dataset.h"
#include "tests/temporary_folder.h"
#include "trainer/generate.h"

namespace flashphase::trainer {
namespace {

class NearestTest : public testing::Test {
 protected:
  NearestTest() {
    GenerateOptions set;
    set.output = training_;
    set.count = 50;
    set.threads = 1;
    generate(set);
    data_set_ = read_dataset(training_, 20, 10);
  }

  Nearest search(std::size_t searched = 0) {
    write_dataset(data_, data_set_);
    Nearest found = nearest({training_, data_, searched, 0, "cpu", 1, false, schedule_});
    testing::internal::CaptureStdout();
    print(found, json_);
    printed_ = testing::internal::GetCapturedStdout();
    return found;
  }

  TemporaryFolder folder_;
  std::string training_ = folder_ / "training.h5", data_ = folder_ / "data.h5", printed_, schedule_;
  Dataset data_set_;
  bool json_ = false;
};

/// The definition, in double and pixel by pixel.
double chi2_at_best_scale(std::span<const float> a, std::span<const float> b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i])) continue;
    const double known = std::isnan(b[i]) ? 0 : static_cast<double>(b[i]);
    ab += std::sqrt(static_cast<double>(a[i]) * known);
    aa += static_cast<double>(a[i]);
    bb += known;
  }
  return 1 - ab * ab / (aa * bb);
}

TEST_F(NearestTest, FindsThePatternItselfWhateverItsBrightness) {
  for (float& photons : data_set_.patterns) photons *= 17;
  const Nearest found = search();
  ASSERT_EQ(found.neighbours.size(), 10u);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(found.neighbours[i].index, 20 + i);
    EXPECT_LT(found.neighbours[i].modulus_chi2, 1e-5f);
  }
}

TEST_F(NearestTest, OfSomePatternsItIsTheOneOfTheLowestChi2OverWhatIsMeasured) {
  for (std::size_t i = 0; i < 400; ++i)  // a hole beside the centre in one, another one elsewhere
    data_set_.patterns[(32 + i / 20) * 64 + 36 + i % 20] = std::numeric_limits<float>::quiet_NaN();
  data_set_.patterns[data_set_.pattern_cells() * 3 + 32 * 64 + 32] = std::numeric_limits<float>::quiet_NaN();
  const Nearest found = search(15);
  const Dataset searched = read_dataset(training_, 0, 15);
  for (std::size_t i = 0; i < 10; ++i) {
    std::size_t best = 0;
    for (std::size_t k = 1; k < 15; ++k)
      if (chi2_at_best_scale(data_set_.pattern(i), searched.pattern(k)) <
          chi2_at_best_scale(data_set_.pattern(i), searched.pattern(best)))
        best = k;
    EXPECT_EQ(found.neighbours[i].index, best) << i;
    EXPECT_NEAR(static_cast<double>(found.neighbours[i].modulus_chi2),
                chi2_at_best_scale(data_set_.pattern(i), searched.pattern(best)), 1e-5);
  }
}

TEST_F(NearestTest, ALargerSetIsNeverWorseAndTheLastRowIsTheWhole) {
  const auto rows = search().rows;
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(rows.front().searched, 1u);
  EXPECT_EQ(rows[4].searched, 25u);
  EXPECT_EQ(rows.back().searched, 50u);
  for (std::size_t i = 1; i < rows.size(); ++i)
    EXPECT_LE(rows[i].modulus_chi2.mean, rows[i - 1].modulus_chi2.mean);
  EXPECT_LT(rows.back().modulus_chi2.mean, 1e-5);
}

TEST_F(NearestTest, PrintsATableOrTheAgreedJson) {
  search();
  for (const char* text : {"searched  modulus chi2 mean / median", "ms a pattern (Wu et al. 2021: 30 s)"})
    EXPECT_NE(printed_.find(text), std::string::npos) << printed_;
  json_ = true;
  search();
  for (const char* key : {"\"frames\": 10", "\"seconds\"", "\"rows\"", "\"searched\": 50", "\"modulus_chi2\"",
                          "\"mean\"", "\"median\"", "\"neighbours\"", "\"index\": 29"})
    EXPECT_NE(printed_.find(key), std::string::npos) << key;
}

TEST_F(NearestTest, ANeighbourIsAStartOfRefinement) {
  schedule_ = "30*ER";
  const Nearest found = search(15);
  ASSERT_EQ(found.refined_chi2.size(), 10u);
  for (std::size_t i = 0; i < 10; ++i)
    EXPECT_LT(found.refined_chi2[i], 0.7 * static_cast<double>(found.neighbours[i].modulus_chi2)) << i;
  EXPECT_NE(printed_.find("refined: modulus chi2"), std::string::npos);
}

TEST_F(NearestTest, WithoutObjectsThereIsNoStart) {
  Dataset searched = read_dataset(training_);
  searched.objects.clear();
  searched.object_size = 0;
  write_dataset(training_, searched);
  schedule_ = "30*ER";
  EXPECT_THROW(search(), std::runtime_error);
}

TEST_F(NearestTest, APatternWithoutPhotonsHasNoNeighbour) {
  std::fill_n(data_set_.patterns.begin(), data_set_.pattern_cells(), 0.0f);
  const Nearest found = search();
  EXPECT_EQ(found.neighbours[0].modulus_chi2, 1);
  EXPECT_EQ(found.neighbours[1].index, 21u);
}

TEST_F(NearestTest, PatternsOfTwoSizesAreRefused) {
  data_set_ = {};
  data_set_.count = 1;
  data_set_.pattern_size = 32;
  data_set_.patterns.assign(32 * 32, 1.0f);
  write_dataset(data_, data_set_);
  EXPECT_THROW(nearest({training_, data_, 0, 0, "cpu", 1, false}), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::trainer
