#include "trainer/report/report.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>

#include "engine/dataset/dataset.h"
#include "tests/temporary_folder.h"
#include "trainer/fit.h"
#include "trainer/generate.h"

namespace flashphase::trainer {
namespace {

namespace fs = std::filesystem;

class ReportTest : public testing::Test {
 protected:
  ReportTest() {
    std::ofstream(folder_ / "small.yaml") << "object_size: 16\nsemi_axis: [2.5, 5]\nphase_length: [4, 16]\n";
    GenerateOptions set;
    set.output = folder_ / "data.h5";
    set.recipe = folder_ / "small.yaml";
    set.count = 8;
    set.threads = 1;
    generate(set);
    options_.data = set.output;
    options_.model = folder_ / "model.fpm";
    options_.output = folder_ / "report";
    options_.sizes = {8, 4, 3, 1, 20, 200};
  }

  void make_model(const std::string& path) const {
    FitOptions fitting;
    fitting.data = options_.data;
    fitting.output = path;
    fitting.batch = 4;
    fitting.samples = 4;
    fitting.channels = fitting.physics_channels = 2;
    fitting.physics_layers = 1;
    fit(fitting);
  }

  std::string why_not() const {
    try {
      make_report(options_);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  }

  TemporaryFolder folder_;
  ReportOptions options_;
};

TEST_F(ReportTest, HoldsEveryFigureAndTheSameNumbersInBothFiles) {
  make_model(options_.model);
  std::ofstream(options_.model + ".csv")
      << "step,samples,rate,loss,chi2,seconds\n1,4,0.1,2.5,0.5,1\n2,8,0.1,1.5,0.25,2\n";
  options_.compare = {options_.model};
  options_.measured = options_.data;
  options_.measured_frames = {5, 2};
  make_report(options_);
  const YAML::Node json = YAML::LoadFile(options_.output + "/report.json");
  for (const char* key :
       {"claims", "training", "chi2", "frames", "measured", "nearest", "starts", "effort", "sweeps"})
    EXPECT_TRUE(json[key]) << key;
  EXPECT_EQ(json["training"]["plots"][0]["series"].size(), 2u);
  EXPECT_EQ(json["training"]["plots"][0]["series"][1]["y"][1].as<double>(), 0.25);
  EXPECT_EQ(json["chi2"]["plots"].size(), 3u);
  EXPECT_EQ(json["chi2"]["tables"][0]["rows"].size(), 2u);
  EXPECT_EQ(json["frames"]["tables"][0]["rows"].size(), 6u);
  EXPECT_EQ(json["measured"]["tables"][0]["rows"][0][0].as<int>(), 5);
  EXPECT_EQ(json["starts"]["plots"][0]["series"].size(), 4u);
  EXPECT_EQ(json["starts"]["plots"][0]["series"][0]["y"].size(), 13u);
  EXPECT_EQ(json["nearest"]["plots"][0]["series"][0]["x"][4].as<int>(), 20);
  EXPECT_EQ(json["effort"]["tables"][0]["rows"].size(), 4u);
  EXPECT_EQ(json["effort"]["plots"][1]["series"].size(), 5u);
  EXPECT_EQ(json["sweeps"]["plots"].size(), 10u);
  // The claim's number is that of the histogram's mean.
  EXPECT_EQ(json["claims"]["tables"][0]["rows"][0][2].as<double>(),
            json["chi2"]["tables"][0]["rows"][0][1].as<double>());
  EXPECT_TRUE(fs::exists(options_.output + "/report.html"));
  std::set<std::string> files;
  for (const auto& entry : fs::directory_iterator(options_.output)) files.insert(entry.path().filename());
  EXPECT_EQ(files, (std::set<std::string>{"report.html", "report.json"}));
  EXPECT_NE(why_not().find("is there already"), std::string::npos) << why_not();
}

TEST_F(ReportTest, RefusesADatasetWithoutObjectsAndLeavesNothing) {
  make_model(options_.model);
  Dataset data = read_dataset(options_.data);
  data.objects.clear();
  data.object_size = 0;
  write_dataset(options_.data, data);
  EXPECT_NE(why_not().find("has no /objects"), std::string::npos) << why_not();
  EXPECT_FALSE(fs::exists(options_.output));
}

TEST_F(ReportTest, RefusesAModelOfAnotherSize) {
  options_.model = "none";
  EXPECT_NE(why_not().find("takes patterns of 64 pixels"), std::string::npos) << why_not();
}

TEST_F(ReportTest, RefusesAFolderThatCannotBeMade) {
  options_.output = options_.data + "/report";
  EXPECT_NE(why_not().find("is no folder"), std::string::npos) << why_not();
}

}  // namespace
}  // namespace flashphase::trainer
