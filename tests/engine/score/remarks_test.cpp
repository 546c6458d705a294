#include "engine/score/remarks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace flashphase::score {
namespace {

class RemarksTest : public testing::Test {
 protected:
  Remarks remarks(float of_the_noise) const {
    return remarks_on(intensity_, measured_, support_, of_the_noise * kNoise, kNoise);
  }

  static constexpr float kNoise = 0.01f;
  std::vector<float> intensity_ = std::vector<float>(400, 3.0f);
  std::vector<std::uint8_t> measured_ = std::vector<std::uint8_t>(400, 1);
  std::vector<std::uint8_t> support_ = std::vector<std::uint8_t>(100);
};

TEST_F(RemarksTest, LessThanHalfOfWhatCountingNoiseLeavesIsOverfitted) {
  EXPECT_EQ(remarks(1), Remarks());
  EXPECT_EQ(remarks(0.51f), Remarks());
  EXPECT_TRUE(remarks(0.49f).has(Remark::overfitted));
  EXPECT_TRUE(remarks(0.49f).in_domain());
  EXPECT_EQ(remarks_on(intensity_, measured_, support_, 0, 0), Remarks()) << "a dark pattern has no noise";
}

TEST_F(RemarksTest, WhatHoldsNoCountsIsNotOverfitted) {
  intensity_[7] = 0.25f;
  EXPECT_EQ(remarks(0.1f), Remarks());
  measured_[7] = 0;
  EXPECT_TRUE(remarks(0.1f).has(Remark::overfitted)) << "what is not measured says nothing";
}

TEST_F(RemarksTest, ASupportOverFourFifthsOfTheSquareIsSaid) {
  std::fill_n(support_.begin(), 80, std::uint8_t{1});
  EXPECT_EQ(remarks(2), Remarks());
  support_[80] = 1;
  EXPECT_TRUE(remarks(2).has(Remark::wide_support));
  EXPECT_TRUE(remarks(2).in_domain());
}

}  // namespace
}  // namespace flashphase::score
