#include "tools/frame_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

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

TEST(FramePool, UnmeasuredPixelsOfADatasetAreNotNumbers) {
  Dataset dataset;
  dataset.count = 1;
  dataset.pattern_size = 2;
  dataset.patterns = {1, 2, 3, 4};
  dataset.mask = {1, 0, 1, 1};
  const std::vector<float> image = wire_image(dataset, 0);
  EXPECT_TRUE(std::isnan(image[1]));
  EXPECT_EQ(image[0] + image[2] + image[3], 8);
}

}  // namespace
}  // namespace flashphase::tools
