#include "service/settings/cores.h"

#include <gmock/gmock.h>

namespace flashphase::service {
namespace {

TEST(RefineWorkers, TakeTheCoresThatTheOtherThreadsLeave) {
  EXPECT_EQ(cpu_refine_workers(0, 64, 4), 60);
  EXPECT_EQ(cpu_refine_workers(0, 2, 4), 1);
  EXPECT_EQ(cpu_refine_workers(3, 8, 7), 3);
  EXPECT_EQ(cpu_refine_workers(8, 8, 4), 8);
}

TEST(RefineWorkers, AreNotMoreThanTheCores) {
  EXPECT_EQ(cpu_refine_workers(9, 8, 4), 8);
  EXPECT_EQ(cpu_refine_workers(1024, 1, 7), 1);
}

}  // namespace
}  // namespace flashphase::service
