#include "engine/score/unwrap.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numbers>

#include "tests/golden/golden_file.h"

namespace flashphase::golden {
namespace {

class GoldenUnwrap : public testing::TestWithParam<const char*> {};

TEST_P(GoldenUnwrap, GivesEveryPixelTheTurnsOfTheReference) {
  const GoldenFile file;
  const std::string folder = std::string("unwrap/") + GetParam() + "/";
  const auto phase = file.read<float>(folder + "phase");
  const auto inside = file.read<std::uint8_t>(folder + "inside");
  const auto turns = file.read<int>(folder + "turns");
  const auto shape = file.shape(folder + "phase");

  std::vector<float> result(phase.size(), 99);
  score::Unwrapper(static_cast<int>(shape[0]), static_cast<int>(shape[1]))(phase, inside, result);
  for (std::size_t i = 0; i < phase.size(); ++i) {
    const double expected = static_cast<double>(phase[i]) + 2 * std::numbers::pi * turns[i];
    ASSERT_NEAR(static_cast<double>(result[i]), inside[i] ? expected : 0, 1e-5)
        << "row " << i / shape[1] << " column " << i % shape[1];
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenUnwrap,
                         testing::Values("smooth", "noise", "noisy_ramp", "vortices", "regions"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace flashphase::golden
