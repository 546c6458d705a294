#include "tools/shared/frame_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "tests/temporary_folder.h"

namespace flashphase::tools {
namespace {

double total(const std::vector<float>& image) {
  return std::accumulate(image.begin(), image.end(), 0.0);
}

TEST(FramePool, CountedHitsHaveTheWantedPhotons) {
  const FramePool pool = simulated_pool({4, 2, 1e5f, 9});
  ASSERT_EQ(pool.hits.size(), 4u);
  ASSERT_EQ(pool.blanks.size(), 2u);
  for (const auto& hit : pool.hits) {
    EXPECT_NEAR(total(hit), 1e5, 5 * std::sqrt(1e5));
    EXPECT_TRUE(std::ranges::all_of(hit, [](float value) { return value == std::round(value); }));
  }
  for (const auto& blank : pool.blanks)
    EXPECT_NEAR(total(blank), 64 * 64 * static_cast<double>(kBlankBackground), 60);
}

TEST(FramePool, ASeedMeansTheSameFrames) {
  EXPECT_EQ(simulated_pool({2, 1, {}, 4}).hits, simulated_pool({2, 1, {}, 4}).hits);
  EXPECT_NE(simulated_pool({2, 1, {}, 4}).hits, simulated_pool({2, 1, {}, 5}).hits);
}

class DatasetImagesTest : public testing::Test {
 protected:
  std::string write(int count) {
    Dataset dataset;
    dataset.count = count;
    dataset.pattern_size = 2;
    for (int i = 0; i < count; ++i)
      for (const int value : {1, 2, 3, 4}) dataset.patterns.push_back(static_cast<float>(10 * i + value));
    dataset.mask = {1, 0, 1, 1};
    write_dataset(folder_ / "set.h5", dataset);
    return folder_ / "set.h5";
  }

  TemporaryFolder folder_;
};

TEST_F(DatasetImagesTest, UnmeasuredPixelsAreNotNumbers) {
  DatasetImages images(write(1));
  const auto image = images.image(0);
  EXPECT_TRUE(std::isnan(image[1]));
  EXPECT_EQ(image[0] + image[2] + image[3], 8);
}

TEST_F(DatasetImagesTest, GoRoundAndRoundWhereverTheyBegin) {
  DatasetImages images(write(3));
  for (const std::uint64_t number : {0, 1, 2, 3, 7, 5, 4, 0})
    EXPECT_EQ(images.image(number)[0], static_cast<float>(10 * (number % 3) + 1)) << number;
}

TEST_F(DatasetImagesTest, OfAFileLargerThanABlockAreThoseOfTheFile) {
  const int count = 600000;  // 9.6 MB
  DatasetImages images(write(count));
  for (const std::uint64_t number : {599999, 0, 524287, 524288, 300000})
    EXPECT_EQ(images.image(number)[0], static_cast<float>(10 * number + 1)) << number;
}

TEST_F(DatasetImagesTest, OfAFileWithoutPatternsThereAreNone) {
  EXPECT_THROW(DatasetImages images(write(0)), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::tools
