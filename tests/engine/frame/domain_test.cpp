#include "engine/frame/domain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

namespace flashphase {
namespace {

constexpr int kM = 64;

Remarks only(Remark remark) {
  Remarks one;
  one.add(remark);
  return one;
}

class DomainTest : public testing::Test {
 protected:
  PatternSummary summary() const { return summary_of(intensity_, measured_, kM); }
  Remarks remarks() const { return Domain{1e3f, 1e6f, 0.1f, 2}.remarks_on(summary()); }

  std::vector<float> intensity_ = std::vector<float>(kM * kM, 1.0f);
  std::vector<std::uint8_t> measured_ = std::vector<std::uint8_t>(kM * kM, 1);
};

TEST_F(DomainTest, HoldsAPatternWithinAllItsBounds) {
  EXPECT_EQ(remarks(), Remarks());
  EXPECT_TRUE(remarks().in_domain());
  EXPECT_EQ(Domain().remarks_on(summary()), Remarks()) << "without limits";
}

TEST_F(DomainTest, HoldsNoPatternWithTooFewOrTooManyPhotons) {
  std::ranges::fill(intensity_, 0.1f);
  EXPECT_EQ(remarks(), only(Remark::few_photons));
  EXPECT_FALSE(remarks().in_domain());
  std::ranges::fill(intensity_, 1e4f);
  EXPECT_EQ(remarks(), only(Remark::many_photons));
  EXPECT_FALSE(remarks().in_domain());
  EXPECT_EQ((Domain{1e3f, 0, 0.1f, 2}.remarks_on(summary())), Remarks()) << "0 is no limit";
}

TEST_F(DomainTest, HoldsNoPatternWithTooManyUnmeasuredPixels) {
  for (std::size_t i = 0; i < measured_.size(); i += 5) intensity_[i] = measured_[i] = 0;
  EXPECT_EQ(remarks(), only(Remark::unmeasured));
  EXPECT_FALSE(remarks().in_domain());
}

TEST_F(DomainTest, HoldsNoPatternOffCentre) {
  for (std::size_t i = 0; i < intensity_.size(); ++i)
    intensity_[i] = i % kM > 37 && i % kM < 47 ? 10.0f : 0.1f;
  EXPECT_EQ(remarks(), only(Remark::off_centre));
  EXPECT_FALSE(remarks().in_domain());
}

TEST_F(DomainTest, HoldsNoPatternWhoseZeroOfQLiesInTheCorner) {
  const auto fall_off_from = [&](int origin) {
    for (int y = 0; y < kM; ++y)
      for (int x = 0; x < kM; ++x) {
        const int dy = (y - origin + kM + kM / 2) % kM - kM / 2,
                  dx = (x - origin + kM + kM / 2) % kM - kM / 2;
        intensity_[static_cast<std::size_t>(y * kM + x)] = 1e4f / static_cast<float>(1 + dy * dy + dx * dx);
      }
  };
  const Domain wide{0, 0, 1, 100};
  fall_off_from(kM / 2);
  EXPECT_FALSE(summary().unshifted);
  EXPECT_EQ(wide.remarks_on(summary()), Remarks());
  fall_off_from(0);
  EXPECT_TRUE(summary().unshifted);
  EXPECT_EQ(wide.remarks_on(summary()), only(Remark::unshifted));
  EXPECT_FALSE(only(Remark::unshifted).in_domain());
}

TEST_F(DomainTest, TakesABeamStopForNoShift) {
  for (int y = kM / 2 - 8; y < kM / 2 + 8; ++y)
    for (int x = kM / 2 - 8; x < kM / 2 + 8; ++x)
      intensity_[static_cast<std::size_t>(y * kM + x)] = measured_[static_cast<std::size_t>(y * kM + x)] = 0;
  EXPECT_FALSE(summary().unshifted);
}

TEST_F(DomainTest, HoldsNoPatternWithoutPhotons) {
  std::ranges::fill(intensity_, 0.0f);
  EXPECT_EQ(Domain().remarks_on(summary()), only(Remark::few_photons));
}

TEST_F(DomainTest, ASummaryHoldsPhotonsUnmeasuredFractionAndTheCentroidOfTheSquareRoot) {
  std::ranges::fill(intensity_, 0.0f);
  intensity_[20 * kM + 40] = 9;
  intensity_[24 * kM + 32] = 1;
  std::fill_n(measured_.begin(), kM, std::uint8_t{0});
  const PatternSummary found = summary();
  EXPECT_EQ(found.photons, 10);
  EXPECT_EQ(found.unmeasured, 1.0 / kM);
  EXPECT_FLOAT_EQ(found.centre_offset, std::hypot(21.0f - 32, 38.0f - 32));
}

TEST_F(DomainTest, HoldsNoObjectTooLargeForTheSquare) {
  PatternSummary too_large = summary();
  too_large.overflow = 0.01f;
  const Remarks said = Domain{1e3f, 1e6f, 0.1f, 2}.remarks_on(too_large);
  EXPECT_EQ(said, only(Remark::too_large));
  EXPECT_FALSE(said.in_domain());
  EXPECT_NE(text_of(Remark::too_large).words.find("bin less"), std::string_view::npos);
}

}  // namespace
}  // namespace flashphase
