#include "engine/dataset/output.h"

#include <gmock/gmock.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "engine/dataset/results_file.h"
#include "tests/temporary_folder.h"

namespace flashphase {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

class OutputTest : public testing::Test {
 protected:
  void put(const std::string& name, const std::string& content) { std::ofstream(folder_ / name) << content; }
  std::string text(const std::string& name) {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::size_t files() {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_ / "."), fs::directory_iterator()));
  }
  void expect_refused(const std::string& path, const char* why, const std::string& input = {}) {
    EXPECT_THAT([&] { check_output(path, true, {input}); },
                ThrowsMessage<std::invalid_argument>(testing::AllOf(HasSubstr(path), HasSubstr(why))));
  }

  TemporaryFolder folder_;
};

TEST_F(OutputTest, ThatCanBeHadLeavesNoTraceOfTheQuestion) {
  check_output(folder_ / "new", false);
  EXPECT_EQ(files(), 0u);
}

TEST_F(OutputTest, ThatIsThereIsRefusedUnlessItMayBeReplaced) {
  put("old", "content");
  EXPECT_THAT([&] { check_output(folder_ / "old", false); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("--overwrite")));
  check_output(folder_ / "old", true);
  EXPECT_EQ(text("old"), "content");
}

TEST_F(OutputTest, ThatCannotBeHadIsRefused) {
  expect_refused(folder_ / "nowhere/file", "no folder");
  expect_refused(folder_ / ".", "is a folder");
  expect_refused("/dev/null", "not a regular file");
  expect_refused("", "name a file");
}

TEST_F(OutputTest, ThatIsAnInputIsRefusedUnderAnyName) {
  put("in", "data");
  fs::create_symlink(folder_ / "in", folder_ / "soft");
  fs::create_hard_link(folder_ / "in", folder_ / "hard");
  for (const char* name : {"in", "soft", "hard", "./in"})
    expect_refused(folder_ / name, "is the input", folder_ / "in");
}

TEST_F(OutputTest, WrittenWholeReplacesAFileAndFollowsALink) {
  put("old", "before");
  fs::create_symlink(folder_ / "old", folder_ / "link");
  write_whole(folder_ / "link", "after");
  EXPECT_EQ(text("old"), "after");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(files(), 2u);
}

TEST_F(OutputTest, ThatCannotBeWrittenSaysWhy) {
  EXPECT_THAT([&] { write_whole(folder_ / "nowhere/file", "x"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("No such file or directory")));
}

ReconstructionResults two_results() {
  ReconstructionResults piece;
  piece.frames = {7, 8};
  piece.objects.assign(2 * 4, {1, 2});
  piece.support.assign(2 * 4, 1);
  piece.residual = {0.5f, 0.25f};
  return piece;
}

TEST_F(OutputTest, ResultsThatAreNotFinishedLeaveNothing) {
  put("out.h5", "before");
  { ResultsWriter(folder_ / "out.h5", {.size = 2}).write(0, two_results()); }
  EXPECT_EQ(text("out.h5"), "before");
  EXPECT_EQ(files(), 1u);
}

TEST_F(OutputTest, ResultsInAnyOrderAreCutToTheRowsThatCount) {
  ResultsWriter out(folder_ / "out.h5", {.size = 2, .model = "m", .schedule = "s"});
  out.write(4, two_results());
  out.write(0, two_results());
  out.finish(2);
  const hdf5::InputFile file("results", folder_ / "out.h5");
  EXPECT_EQ(file.open("objects").shape, (std::vector<hsize_t>{2, 2, 2}));
  EXPECT_THAT(file.read_integers(file.open("frames"), 0, 2), testing::ElementsAre(7, 8));
  EXPECT_FALSE(file.has("agreement"));
}

/// An attribute of the file, of whatever whole type.
long long attribute(const hdf5::InputFile& file, const char* name) {
  const hdf5::Handle attribute(H5Aopen(file.id(), name, H5P_DEFAULT), H5Aclose);
  const hdf5::Handle type(H5Aget_type(attribute), H5Tclose);
  if (hdf5::is_boolean(type)) {
    std::int8_t value = -1;
    H5Aread(attribute, type, &value);
    return value;
  }
  long long value = -1;
  H5Aread(attribute, H5T_NATIVE_LLONG, &value);
  return value;
}

TEST_F(OutputTest, WhatSpeaksAgainstResultsAreBitsThatTheFileNames) {
  ReconstructionResults piece = two_results();
  piece.remarks.resize(2);
  piece.remarks[1].add(Remark::too_large);
  piece.remarks[1].add(Remark::wide_support);
  {
    ResultsWriter out(folder_ / "out.h5", {.size = 2});
    out.write(0, piece);
    out.finish(2);
  }
  const hdf5::InputFile file("results", folder_ / "out.h5");
  EXPECT_THAT(file.read_integers(file.open("remarks"), 0, 2), testing::ElementsAre(0, 0b10000010));
  EXPECT_THAT(text("out.h5"), HasSubstr("unshifted,too_large,few_photons,many_photons,unmeasured,off_centre,"
                                        "overfitted,wide_support"));
}

TEST_F(OutputTest, ResultsSayWhetherTheyAreAllThatWereAskedFor) {
  for (const std::size_t asked : {2u, 3u}) {
    const std::string path = folder_ / ("of_" + std::to_string(asked) + ".h5");
    ResultsWriter out(path, {.size = 2, .frames_asked = asked});
    out.write(0, two_results());
    out.finish(2);
    const hdf5::InputFile file("results", path);
    EXPECT_EQ(attribute(file, "frames_asked"), static_cast<long long>(asked));
    EXPECT_EQ(attribute(file, "complete"), asked == 2);
  }
}

TEST_F(OutputTest, TheSameResultsAreTheSameFile) {
  const auto write = [&](const char* name) {
    ResultsWriter out(folder_ / name, {.size = 2, .recipe = "r", .model = "m", .schedule = "s"});
    out.write(0, two_results());
    out.finish(2);
  };
  write("one.h5");
  // HDF5 would note the second in which an array is made.
  for (const auto then = std::time(nullptr); std::time(nullptr) == then;) std::this_thread::yield();
  write("other.h5");
  EXPECT_TRUE(text("one.h5") == text("other.h5"));
}

}  // namespace
}  // namespace flashphase
