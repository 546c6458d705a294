#include "engine/frame/reconstruction.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace flashphase {
namespace {

TEST(Reconstruction, IsFiniteOnlyWhenAllItSaysIsANumber) {
  Reconstruction good;
  good.amplitude = {1, 0};
  good.phase = {-3, 3};
  good.prtf = {1, 0.5f};
  good.agreement = 1;
  EXPECT_TRUE(is_finite(good));
  const std::vector<std::function<float&(Reconstruction&)>> numbers{
      [](Reconstruction& r) -> float& { return r.amplitude[1]; },
      [](Reconstruction& r) -> float& { return r.phase[0]; },
      [](Reconstruction& r) -> float& { return r.prtf[1]; },
      [](Reconstruction& r) -> float& { return *r.agreement; },
      [](Reconstruction& r) -> float& { return r.residual; },
      [](Reconstruction& r) -> float& { return r.noise_residual; }};
  for (const auto& number : numbers)
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      Reconstruction result = good;
      number(result) = bad;
      EXPECT_FALSE(is_finite(result));
    }
}

}  // namespace
}  // namespace flashphase
