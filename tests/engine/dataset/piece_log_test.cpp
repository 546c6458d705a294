#include "engine/dataset/piece_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>

#include "tests/temporary_folder.h"

namespace flashphase {
namespace {

constexpr std::size_t kRows = 4, kCount = 10;  // pieces of 4, 4 and 2

Dataset rows(std::size_t first, std::size_t count) {
  Dataset piece;
  piece.count = static_cast<int>(count);
  piece.pattern_size = 256;  // one to a chunk
  piece.recipe = "photons: 7\n";
  for (std::size_t i = 0; i < count; ++i)
    piece.patterns.insert(piece.patterns.end(), piece.pattern_cells(), static_cast<float>(first + i + 1));
  return piece;
}

class PieceLogTest : public testing::Test {
 protected:
  void open(bool go_on, const std::string& origin = "seed 1", std::size_t count = kCount) {
    log_.reset();
    log_.emplace(path_, origin, without_arrays(rows(0, 0)), kRows, count, go_on);
  }
  void fill(std::size_t count = kCount) {
    while (log_->patterns() < count)
      log_->append(pack(rows(log_->patterns(), std::min(kRows, count - log_->patterns()))));
  }
  Dataset copied() {
    DatasetWriter writer(folder_ / "set.h5");
    log_->copy_to(writer);
    writer.finish();
    return read_dataset(folder_ / "set.h5");
  }
  std::size_t left_of(std::uintmax_t bytes) {
    log_.reset();
    std::filesystem::resize_file(path_, bytes);
    open(true);
    return log_->patterns();
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "set.pieces";
  std::optional<PieceLog> log_;
};

TEST_F(PieceLogTest, GoesOnBehindTheLastPieceThatIsWholeWhereverItWasCut) {
  open(false);
  fill();
  const std::uintmax_t whole = std::filesystem::file_size(path_);
  EXPECT_EQ(left_of(whole), kCount);
  EXPECT_EQ(left_of(whole - 1), 8u);
  fill();
  EXPECT_EQ(std::filesystem::file_size(path_), whole);
  EXPECT_EQ(left_of(whole * 7 / 10), 4u);
  EXPECT_EQ(left_of(whole / 10), 0u);
  fill();
  EXPECT_EQ(copied().patterns, rows(0, kCount).patterns);
  EXPECT_EQ(copied().recipe, "photons: 7\n");
}

TEST_F(PieceLogTest, MakesAPieceAnewThatTheDiskHasSpoiled) {
  open(false);
  fill();
  log_.reset();
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path_) * 6 / 10));
  file.put('!');
  file.close();
  open(true);
  EXPECT_EQ(log_->patterns(), 4u);
}

TEST_F(PieceLogTest, ServesAnotherNumberOfPatterns) {
  open(false);
  fill();
  open(true, "seed 1", 20);
  EXPECT_EQ(log_->patterns(), 8u);  // the last piece is one of four now
  fill(20);
  open(true, "seed 1", 10);
  EXPECT_EQ(log_->patterns(), 8u);
  fill(10);
  EXPECT_EQ(copied().patterns, rows(0, 10).patterns);
}

TEST_F(PieceLogTest, IsLeftUntilItIsRemovedUnlessItHoldsNothing) {
  open(false);
  log_.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
  open(false);
  fill();
  log_.reset();
  EXPECT_TRUE(std::filesystem::exists(path_));
  open(true);
  log_->remove();
  log_.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(PieceLogTest, RefusesWhatAnotherOriginOrProgramHasMadeAndLeavesItAlone) {
  open(false);
  fill();
  EXPECT_THROW(PieceLog(path_, "seed 1", without_arrays(rows(0, 0)), kRows, kCount, true),
               std::invalid_argument);  // it is still open
  const std::uintmax_t whole = std::filesystem::file_size(path_);
  EXPECT_THROW(open(true, "seed 2"), std::invalid_argument);
  EXPECT_EQ(std::filesystem::file_size(path_), whole);
  std::ofstream(path_) << "what is this";
  EXPECT_THROW(open(true), std::invalid_argument);
  EXPECT_EQ(std::filesystem::file_size(path_), 12u);
}

}  // namespace
}  // namespace flashphase
