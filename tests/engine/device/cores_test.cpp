#include "engine/device/cores.h"

#include <gmock/gmock.h>
#include <sched.h>

#include <thread>

namespace flashphase {
namespace {

TEST(Cores, OfAQuotaAreWholeAndAtLeastOne) {
  EXPECT_EQ(cores_of_quota("200000 100000"), 2);
  EXPECT_EQ(cores_of_quota("350000 100000"), 3);
  EXPECT_EQ(cores_of_quota("50000 100000"), 1);
}

TEST(Cores, WithoutAQuotaNothingIsSaid) {
  for (const char* text : {"max 100000", "", "100000", "100000 ", "100000 0", "-1 100000", "no number"})
    EXPECT_EQ(cores_of_quota(text), std::nullopt) << text;
}

TEST(Cores, AreNotMoreThanTheAffinityMaskHas) {
  std::thread([] {
    cpu_set_t all, one;
    ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
    EXPECT_LE(usable_cores(), CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (int core = 0; CPU_COUNT(&one) == 0; ++core)
      if (CPU_ISSET(core, &all)) CPU_SET(core, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(usable_cores(), 1);
  }).join();
}

TEST(Priority, WhatOthersLeaveIsIdleTimeAndOnlyTheThreadsOwn) {
  std::thread([] {
    take_what_others_leave();
    EXPECT_EQ(sched_getscheduler(0), SCHED_IDLE);
    int of_child = -1;
    std::thread([&] { of_child = sched_getscheduler(0); }).join();
    EXPECT_EQ(of_child, SCHED_IDLE);
  }).join();
  EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
}

TEST(Workers, TakeTheCoresThatTheOtherThreadsLeave) {
  EXPECT_EQ(workers_beside(4, 0, 64), 60);
  EXPECT_EQ(workers_beside(4, 0, 2), 1);
  EXPECT_EQ(workers_beside(7, 3, 8), 3);
  EXPECT_EQ(workers_beside(4, 8, 8), 8);
}

TEST(Workers, AreNotMoreThanTheCores) {
  EXPECT_EQ(workers_beside(4, 9, 8), 8);
  EXPECT_EQ(workers_beside(7, 1024, 1), 1);
}

}  // namespace
}  // namespace flashphase
