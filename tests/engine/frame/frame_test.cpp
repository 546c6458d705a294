#include "engine/frame/frame.h"

#include <gtest/gtest.h>

namespace flashphase {
namespace {

TEST(SecondsBetween, AreThoseFromTheFirstToTheSecond) {
  const Clock::time_point from = Clock::now();
  EXPECT_EQ(seconds_between(from, from + std::chrono::milliseconds(1500)), 1.5f);
  EXPECT_EQ(seconds_between(from, from - std::chrono::milliseconds(250)), -0.25f);
  EXPECT_EQ(seconds_between(from, from), 0.0f);
}

TEST(SecondsBetween, AsDoublesKeepMicrosecondsOverAYear) {
  const Clock::time_point from{};
  const auto year = std::chrono::hours(365 * 24);
  EXPECT_DOUBLE_EQ(seconds_between<double>(from, from + year + std::chrono::microseconds(1)),
                   365.0 * 24 * 3600 + 1e-6);
}

}  // namespace
}  // namespace flashphase
