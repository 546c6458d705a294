#include "trainer/curve.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "tests/temporary_folder.h"

namespace flashphase::trainer {
namespace {

class CurveTest : public testing::Test {
 protected:
  std::string content() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  TemporaryFolder folder_;
  std::string path_ = folder_ / "model.fpm.csv";
  const std::string head_ = "step,samples,rate,loss,object_error,modulus_chi2,seconds\n";
};

TEST_F(CurveTest, HasARowForEachPoint) {
  Curve curve(path_, "", 0);
  EXPECT_EQ(content(), head_);
  curve.add({100, 6400, 0.003, 0.5, 0.25, 0.125, 12.34});
  curve.add({200, 12800, 0.001, 0.4, 0.2, 0.1, 20});
  EXPECT_EQ(content(), head_ + "100,6400,0.003,0.5,0.25,0.125,12.3\n200,12800,0.001,0.4,0.2,0.1,20.0\n");
}

TEST_F(CurveTest, GoesOnWhereTheTrainingDoesAndDropsWhatCameLaterOrIsTorn) {
  const std::string first = head_ + "4,64,0.1,1,1,1,0.5\n8,128,0.1,1,1,1,1.0\n";
  for (const char* later : {"", "12,192,0.1,1,1,1,1.5\n16,256,0.1,1,1,1,2.0\n", "12,192,0.1,1"}) {
    std::ofstream(path_) << first << later;
    Curve curve(path_, "", 10);
    EXPECT_EQ(content(), first);
    curve.add({12, 192, 0.1, 2, 2, 2, 3});
    EXPECT_EQ(content(), first + "12,192,0.1,2,2,2,3.0\n");
  }
  Curve anew(path_, "", 0);
  EXPECT_EQ(content(), head_);
}

TEST_F(CurveTest, DoesNotWriteOverSomethingElse) {
  std::ofstream(path_) << "time,money\n1,2\n";
  EXPECT_THROW(Curve(path_, "", 5), std::runtime_error);
  EXPECT_EQ(content(), "time,money\n1,2\n");
}

}  // namespace
}  // namespace flashphase::trainer
