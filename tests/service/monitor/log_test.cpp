#include "service/monitor/log.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <sstream>

namespace flashphase::service {
namespace {

TEST(Log, QuotesAValueSoThatItStaysOneWordOnOneLine) {
  EXPECT_EQ(quoted("plain"), "\"plain\"");
  EXPECT_EQ(quoted("a \"b\"\nc\\\x01"), "\"a \\\"b\\\"\\nc\\\\\"");
}

TEST(Log, CountsLinesByTheirEventAndNotByTheWordsOfPeers) {
  EXPECT_EQ(event_key("event=run_begin source=\"x\" run=3"), "run_begin");
  EXPECT_EQ(event_key("event=ready"), "ready");
  EXPECT_EQ(event_key("event=rejected reason=bad_message suppressed=3"), "rejected reason=bad_message");
  EXPECT_EQ(event_key("event=rejected reason=duplicate"), "rejected reason=duplicate");
  EXPECT_EQ(event_key("event=failed reason=\"anything\" x=1"), "failed");
  EXPECT_EQ(event_key(""), "");
}

constexpr Clock::time_point kStart{std::chrono::hours(1)};

TEST(LineLimiter, LetsABurstThroughThenOneLineASecondAndSaysHowManyItHeldBack) {
  LineLimiter limiter;
  for (int i = 0; i < LineLimiter::kBurst; ++i) EXPECT_EQ(limiter.ask("a", kStart), 0u);
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(limiter.ask("a", kStart + std::chrono::milliseconds(999)));
  EXPECT_EQ(limiter.ask("b", kStart), 0u) << "each key has its own lines";
  EXPECT_EQ(limiter.ask("a", kStart + std::chrono::seconds(1)), 7u);
  EXPECT_FALSE(limiter.ask("a", kStart + std::chrono::milliseconds(1999)));
  EXPECT_EQ(limiter.ask("a", kStart + std::chrono::seconds(2)), 1u);
  EXPECT_EQ(limiter.ask("a", kStart + std::chrono::hours(1)), 0u);
}

TEST(LineLimiter, TellsOnceWhatItHeldBack) {
  LineLimiter limiter;
  for (int i = 0; i < LineLimiter::kBurst + 3; ++i) limiter.ask("a", kStart);
  limiter.ask("b", kStart);
  EXPECT_EQ(limiter.take_untold(), (std::vector<std::pair<std::string, std::uint64_t>>{{"a", 3}}));
  EXPECT_TRUE(limiter.take_untold().empty());
  EXPECT_EQ(limiter.ask("a", kStart + std::chrono::seconds(1)), 0u);
}

TEST(Log, WritesEveryEventAtABoundedRateAndCountsTheRest) {
  std::ostringstream text;
  auto now = kStart;
  const auto logger =
      make_logger("info", std::make_shared<spdlog::sinks::ostream_sink_mt>(text), [&] { return now; });
  for (int i = 0; i < 100'000; ++i) logger->info("event=run_begin source=\"s{}\" run={}", i, i);
  EXPECT_EQ(std::ranges::count(text.str(), '\n'), LineLimiter::kBurst);
  EXPECT_NE(text.str().find("level=info event=run_begin source=\"s0\" run=0\n"), std::string::npos);
  now += std::chrono::seconds(1);
  logger->info("event=run_begin source=\"last\" run=7");
  EXPECT_TRUE(text.str().ends_with("source=\"last\" run=7 suppressed=99990\n")) << text.str();
  for (int i = 0; i < 5; ++i) logger->info("event=run_begin source=\"more\" run=8");
  logger->warn("event=stopped");
  EXPECT_TRUE(text.str().ends_with("level=warning event=suppressed of=run_begin suppressed=5\n"))
      << text.str();
}

}  // namespace
}  // namespace flashphase::service
