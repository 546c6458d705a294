#include "engine/infer/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "tests/temporary_folder.h"

namespace flashphase::infer {
namespace {

using testing::HasSubstr;

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() {
    checkpoint_.info.name = "test";
    checkpoint_.info.domain = {1e3f, 0, 0.1f, 8};
    checkpoint_.network = "flash";
    checkpoint_.sizes = {{"channels", 4}};
    checkpoint_.recipe = "object_size: 32\n";
    checkpoint_.training = {{"samples", "12"}};
    checkpoint_.tensors = {{"a.weight", {2, 3}, {1, 2, 3, 4, 5, 6}}, {"a.bias", {2}, {-1, 0.5f}}};
    hash_ = write_checkpoint(path_, checkpoint_);
  }

  std::string bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& content) const { std::ofstream(path_, std::ios::binary) << content; }
  std::string error() const {
    try {
      read_checkpoint(path_);
    } catch (const std::runtime_error& caught) {
      return caught.what();
    }
    return "no error";
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "model.fpm";
  Checkpoint checkpoint_;
  std::string hash_;
};

TEST_F(CheckpointTest, ComesBackAsItWasWritten) {
  const Checkpoint read = read_checkpoint(path_);
  EXPECT_EQ(read.info.name, "test");
  EXPECT_EQ(read.info.hash, hash_);
  EXPECT_EQ(hash_.size(), 64u);
  EXPECT_EQ(read.info.domain.unmeasured_max, 0.1f);
  EXPECT_EQ(read.sizes, checkpoint_.sizes);
  EXPECT_EQ(read.recipe, checkpoint_.recipe);
  EXPECT_EQ(read.training, checkpoint_.training);
  ASSERT_EQ(read.tensors.size(), 2u);
  EXPECT_EQ(read.tensors[0].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(read.tensors[1].values, (std::vector<float>{-1, 0.5f}));
}

TEST_F(CheckpointTest, ChangesItsHashWithOneWeight) {
  checkpoint_.tensors[0].values[0] = 1.5f;
  EXPECT_NE(write_checkpoint(path_, checkpoint_), hash_);
}

TEST_F(CheckpointTest, SaysWhenTheFileIsMissing) {
  std::filesystem::remove(path_);
  EXPECT_THAT(error(), HasSubstr("cannot be opened"));
}

TEST_F(CheckpointTest, SaysWhenTheFileIsSomethingElse) {
  write("GIF89a");
  EXPECT_THAT(error(), HasSubstr("is not a Flashphase model"));
}

TEST_F(CheckpointTest, SaysWhenTheVersionIsAnother) {
  write("flashphase-model 9\n" + std::string(100, 'x'));
  EXPECT_THAT(error(), HasSubstr("version"));
}

TEST_F(CheckpointTest, NoticesOneFlippedBit) {
  std::string content = bytes();
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
  write(content);
  EXPECT_THAT(error(), HasSubstr("damaged"));
}

TEST_F(CheckpointTest, NoticesEveryTruncation) {
  const std::string content = bytes();
  for (std::size_t length = 0; length < content.size(); length += 7) {
    write(content.substr(0, length));
    EXPECT_NE(error(), "no error") << length;
  }
}

}  // namespace
}  // namespace flashphase::infer
