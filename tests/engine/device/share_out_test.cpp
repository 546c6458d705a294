#include "engine/device/share_out.h"

#include <gmock/gmock.h>

#include <barrier>
#include <stdexcept>

namespace flashphase {
namespace {

TEST(ShareOut, GivesEveryItemToOneWorker) {
  for (const int threads : {1, 3, 8})
    for (const int count : {0, 1, 2, 100}) {
      std::vector<std::atomic<int>> done(static_cast<std::size_t>(count)), busy(8);
      share_out(threads, count, [&](int worker, int i) {
        ASSERT_LT(worker, threads);
        EXPECT_EQ(busy[static_cast<std::size_t>(worker)]++, 0) << "a worker does one thing at a time";
        ++done[static_cast<std::size_t>(i)];
        --busy[static_cast<std::size_t>(worker)];
      });
      for (const auto& times : done) EXPECT_EQ(times, 1);
    }
}

TEST(ShareOut, WorksOnAsManyThreadsAsAsked) {
  std::barrier all_here(3);  // never opens where fewer come
  share_out(3, 3, [&](int, int) { all_here.arrive_and_wait(); });
}

TEST(ShareOut, EndsWithTheFirstFailure) {
  for (const int threads : {1, 4}) {
    std::atomic<int> begun = 0;
    EXPECT_THROW(share_out(threads, 1000000,
                           [&](int, int) {
                             ++begun;
                             throw std::invalid_argument("no");
                           }),
                 std::invalid_argument);
    EXPECT_LE(begun, threads);
  }
}

}  // namespace
}  // namespace flashphase
