#include "service/monitor/memory_shortage.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <new>

namespace flashphase::service {
namespace {

/// Bytes of address space that this process has.
std::size_t address_space() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

TEST(MemoryReserve, IsSetFreeWhenANewFailsWhichThenThrows) {
  const MemoryReserve reserve;
  EXPECT_FALSE(MemoryReserve::is_short());
  const std::size_t before = address_space();
  EXPECT_THROW(std::get_new_handler()(), std::bad_alloc);
  constexpr std::size_t kOfTheTest = 1 << 20;
  EXPECT_LE(address_space() + MemoryReserve::kReserve, before + kOfTheTest);
  EXPECT_TRUE(MemoryReserve::is_short());
  EXPECT_THROW(std::get_new_handler()(), std::bad_alloc) << "the second time there is nothing to set free";
}

TEST(MemoryReserve, LeavesNothingBehind) {
  const std::size_t before = address_space();
  { const MemoryReserve reserve; }
  EXPECT_LE(address_space(), before);
  EXPECT_EQ(std::get_new_handler(), nullptr);
}

void abort_after(bool a_new_failed) {
  const MemoryReserve reserve;
  if (a_new_failed) {
    EXPECT_THROW(std::get_new_handler()(), std::bad_alloc);
  }
  std::abort();
}

TEST(MemoryReserveDeathTest, AnAbortForWantOfMemoryIsAFailureThatSaysSo) {
  EXPECT_EXIT(abort_after(true), testing::ExitedWithCode(1),
              "level=error event=failed reason=\"the memory does not suffice\"\n");
}

TEST(MemoryReserveDeathTest, AnyOtherAbortStaysOne) {
  EXPECT_EXIT(abort_after(false), testing::KilledBySignal(SIGABRT), "^$");
}

}  // namespace
}  // namespace flashphase::service
