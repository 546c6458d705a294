#include "service/ingest/receive_mark.h"

#include <gtest/gtest.h>

namespace flashphase::ingest {
namespace {

TEST(ReceiveMark, IsAsManyMessagesAsFitIntoTheBytes) {
  ReceiveMark mark(1000, 1'000'000);
  EXPECT_FALSE(mark.saw(100, 1)) << "a thousand of these fit";
  EXPECT_EQ(mark.saw(10'000, 1), 100);
  EXPECT_FALSE(mark.saw(9'000, 1)) << "the largest counts";
  EXPECT_EQ(mark.saw(10'000, 4), 25) << "each connection has its own queue";
  EXPECT_EQ(mark.saw(50'000'000, 1), 1) << "one at least, or nothing would ever come";
}

TEST(ReceiveMark, ForgetsALargeMessageThatWasTheOnlyOne) {
  ReceiveMark mark(1000, 1'000'000);
  EXPECT_EQ(mark.saw(500'000, 1), 2);
  std::optional<int> changed;
  int messages = 0;
  for (; !changed; ++messages) changed = mark.saw(10'000, 1);
  EXPECT_EQ(changed, 100);
  EXPECT_LE(messages, 10'000);
}

}  // namespace
}  // namespace flashphase::ingest
