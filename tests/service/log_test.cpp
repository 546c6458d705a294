#include "service/log.h"

#include <gtest/gtest.h>

namespace flashphase::service {
namespace {

TEST(Log, QuotesAValueSoThatItStaysOneWordOnOneLine) {
  EXPECT_EQ(quoted("plain"), "\"plain\"");
  EXPECT_EQ(quoted("a \"b\"\nc\\\x01"), "\"a \\\"b\\\"\\nc\\\\\"");
}

TEST(RejectionThrottle, LetsOneLineASecondThroughAndSaysHowManyItHeldBack) {
  RejectionThrottle throttle;
  const Clock::time_point start{std::chrono::hours(1)};
  EXPECT_EQ(throttle.ask(Rejection::bad_message, start), 0u);
  EXPECT_FALSE(throttle.ask(Rejection::bad_message, start));
  EXPECT_FALSE(throttle.ask(Rejection::bad_message, start + std::chrono::milliseconds(999)));
  EXPECT_EQ(throttle.ask(Rejection::duplicate, start), 0u) << "each reason has its own line";
  EXPECT_EQ(throttle.ask(Rejection::bad_message, start + std::chrono::seconds(1)), 2u);
  EXPECT_EQ(throttle.ask(Rejection::bad_message, start + std::chrono::seconds(2)), 0u);
}

}  // namespace
}  // namespace flashphase::service
