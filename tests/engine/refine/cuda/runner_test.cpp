#include "engine/refine/cuda/runner.h"

#include <gmock/gmock.h>

namespace flashphase::refine::cuda {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A device with memory for so many frames, and what it was asked for.
struct Device {
  int room;
  std::vector<int> asked{};
  int released = 0;
  std::uint64_t smaller = 0;

  int fit(int frames) {
    return reserve_what_fits(
        frames, smaller,
        [this](int count) {
          asked.push_back(count);
          if (count > room) throw OutOfDeviceMemory("out of memory");
        },
        [this] { ++released; });
  }
};

TEST(ReserveWhatFits, TakesAllThatWasAskedForWhereThereIsRoom) {
  Device device{100};
  EXPECT_EQ(device.fit(100), 100);
  EXPECT_EQ(device.smaller, 0u);
  EXPECT_EQ(device.released, 0);
}

TEST(ReserveWhatFits, HalvesUntilThereIsRoomGivesBackInBetweenAndCounts) {
  Device device{30};
  EXPECT_EQ(device.fit(101), 26);
  EXPECT_THAT(device.asked, ElementsAre(101, 51, 26));
  EXPECT_EQ(device.released, 2);
  EXPECT_EQ(device.smaller, 2u);
}

TEST(ReserveWhatFits, SaysSoWhereNotEvenOneFrameFits) {
  Device device{0};
  try {
    device.fit(3);
    FAIL();
  } catch (const OutOfDeviceMemory& error) {
    EXPECT_THAT(error.what(), HasSubstr("no memory for even one frame"));
  }
  EXPECT_THAT(device.asked, ElementsAre(3, 2, 1));
  EXPECT_EQ(device.released, 3);
}

}  // namespace
}  // namespace flashphase::refine::cuda
