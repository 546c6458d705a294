#include "trainer/evaluate.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "engine/dataset/dataset.h"
#include "tests/temporary_folder.h"
#include "trainer/generate.h"

namespace flashphase::trainer {
namespace {

class EvaluateTest : public testing::Test {
 protected:
  EvaluateTest() {
    GenerateOptions set;
    set.output = path_;
    set.count = 20;
    set.threads = 1;
    generate(set);
  }
  TemporaryFolder folder_;
  std::string path_ = folder_ / "set.h5";
};

TEST_F(EvaluateTest, RefinementLowersTheModulusChi2OfTheAutocorrelationStart) {
  const std::vector<Evaluation> rows = evaluate({"none", path_, {0, 50}, 0, false});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].iterations, 50);
  EXPECT_GT(rows[0].modulus_chi2.mean, 0.01);
  EXPECT_LT(rows[1].modulus_chi2.mean, rows[0].modulus_chi2.mean);
  EXPECT_LE(rows[0].real_space_error.median, 1);
}

TEST_F(EvaluateTest, CountsWhatIterationsMakeWrongAndRight) {
  const std::vector<Evaluation> rows = evaluate({"none", path_, {300, 0}, 0, false});
  EXPECT_EQ(rows[1].made_wrong, 0);
  EXPECT_EQ(rows[1].made_right, 0);
  EXPECT_GT(rows[0].made_right, 0);
  EXPECT_NEAR(20 * (rows[0].below - rows[1].below), rows[0].made_right - rows[0].made_wrong, 1e-9);
}

TEST_F(EvaluateTest, PrintsTheAgreedJson) {
  testing::internal::CaptureStdout();
  evaluate({"none", path_, {0}, 10, true});
  const std::string text = testing::internal::GetCapturedStdout();
  for (const char* key : {"\"frames\": 10", "\"network\": \"none\"", "\"iterations\"", "\"0\"",
                          "\"modulus_chi2\"", "\"amplitude_chi2\"", "\"phase_chi2\"", "\"real_space_error\"",
                          "\"mean\"", "\"median\"", "\"below_0.05\"", "\"made_wrong\"", "\"made_right\""})
    EXPECT_NE(text.find(key), std::string::npos) << key;
}

TEST_F(EvaluateTest, NeedsObjectsToCompareWith) {
  Dataset data = read_dataset(path_, 0, 3);
  data.objects.clear();
  data.object_size = 0;
  write_dataset(path_, data);
  EXPECT_THROW(evaluate({"none", path_, {0}, 0, false}), std::runtime_error);
}

}  // namespace
}  // namespace flashphase::trainer
