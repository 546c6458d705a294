#include "engine/score/energy.h"

#include <gtest/gtest.h>

#include <vector>

namespace flashphase::score {
namespace {

TEST(Energy, IsTheSumOfTheSquares) {
  const std::vector<std::complex<float>> image{{3, -4}, {0, 2}, {0.5f, 0}};
  EXPECT_EQ(energy(image), 29.25);
  EXPECT_EQ(energy({}), 0);
}

TEST(Energy, DoesNotLeaveTheRangeOfNumbers) {
  const std::vector<std::complex<float>> large{{1e30f, 0}}, small{{0, 1e-30f}};
  EXPECT_NEAR(energy(large), 1e60, 1e54);
  EXPECT_NEAR(energy(small), 1e-60, 1e-66);
}

TEST(Energy, KeepsSmallPixelsBesideALargeOne) {
  std::vector<std::complex<float>> image(10001, 0.01f);
  image[0] = 100;
  EXPECT_NEAR(energy(image), 10001, 1e-3);
}

}  // namespace
}  // namespace flashphase::score
