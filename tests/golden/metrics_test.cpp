#include "engine/score/metrics.h"

#include <gmock/gmock.h>

#include <cmath>
#include <ostream>

#include "engine/score/confidence.h"
#include "engine/score/resolution.h"
#include "engine/score/score.h"
#include "tests/golden/golden_file.h"

namespace flashphase::golden {
namespace {

using Complex = std::complex<float>;

/// Same values within `tolerance` of the largest.
template <class T>
void expect_near(const std::vector<T>& values, const std::vector<T>& expected, float tolerance) {
  ASSERT_EQ(values.size(), expected.size());
  float largest = 0;
  for (const T value : expected) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_LE(std::abs(values[i] - expected[i]), tolerance * largest) << i;
  }
}

int edge_of(const GoldenFile& file, const std::string& name, std::size_t axis = 0) {
  return static_cast<int>(file.shape(name)[axis]);
}

TEST(GoldenMetrics, OfAPatternAgreeToAMillionth) {
  const GoldenFile file;
  const auto calculated = file.read<float>("pattern/calculated");
  const auto intensity = file.read<float>("pattern/intensity");
  const auto measured = file.read<std::uint8_t>("pattern/measured");
  const auto expect_relative = [&](double value, const std::string& name, double tolerance) {
    const double expected = file.scalar("pattern/" + name);
    EXPECT_NEAR(value, expected, tolerance * expected) << name;
  };
  expect_relative(score::intensity_chi2(calculated, intensity, measured), "intensity_chi2", 1e-6);
  expect_relative(score::r_factor(calculated, intensity, measured), "r_factor", 1e-6);
  const auto held_out = file.read<std::uint8_t>("pattern/held_out");
  expect_relative(score::poisson_llk(calculated, intensity, held_out), "poisson_llk", 1e-6);

  const auto object = file.read<Complex>("pattern/object");
  const int n = edge_of(file, "pattern/object"), m = edge_of(file, "pattern/intensity");
  score::ModulusScorer scorer(m);
  expect_relative(static_cast<double>(scorer(intensity, measured, object, n)), "modulus_chi2", 1e-5);
  expect_near(score::diffraction(object, n, m), file.read<float>("pattern/diffraction"), 1e-6f);
}

TEST(GoldenMetrics, OfRingsAgreeToAHundredThousandth) {
  const GoldenFile file;
  const int n = edge_of(file, "resolution/first");
  const auto curve = score::fourier_ring_correlation(file.read<Complex>("resolution/first"),
                                                     file.read<Complex>("resolution/second"), n);
  const auto threshold = score::half_bit_threshold(n);
  expect_near(curve, file.read<float>("resolution/curve"), 1e-5f);
  expect_near(threshold, file.read<float>("resolution/half_bit"), 1e-6f);
  const auto resolution = score::resolution(curve, threshold, n);
  EXPECT_TRUE(resolution.crossed);
  EXPECT_NEAR(resolution.ring, file.scalar("resolution/crossing"), 1e-3);
  EXPECT_NEAR(resolution.pixels, file.scalar("resolution/period"), 1e-3);
}

struct Placement {
  const char* name;
  score::Translation translation;
  double error_tolerance;
  double shift_tolerance;  // pixels
};

void PrintTo(const Placement& placement, std::ostream* out) {
  *out << placement.name;
}

class GoldenCompare : public testing::TestWithParam<Placement> {};

TEST_P(GoldenCompare, AgreesWithASearchOverEveryShift) {
  const GoldenFile file;
  const Placement& placement = GetParam();
  const std::string folder = std::string("compare/") + placement.name + "/";
  const auto result = score::compare(
      file.read<Complex>(folder + "object"), file.read<Complex>("compare/truth"),
      file.read<std::uint8_t>("compare/support"), edge_of(file, "compare/truth"), placement.translation);
  EXPECT_EQ(result.twin, file.scalar(folder + "twin") != 0);
  const auto shift = file.read<double>(folder + "shift");
  EXPECT_NEAR(result.shift_y, shift[0], placement.shift_tolerance);
  EXPECT_NEAR(result.shift_x, shift[1], placement.shift_tolerance);
  for (const auto& [name, value] :
       {std::pair{"real_space_error", result.real_space_error},
        std::pair{"amplitude_chi2", result.amplitude_chi2}, std::pair{"phase_chi2", result.phase_chi2}}) {
    EXPECT_NEAR(static_cast<double>(value), file.scalar(folder + name), placement.error_tolerance) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenCompare,
                         testing::Values(Placement{"plain", score::Translation::whole_pixel, 1e-6, 0},
                                         Placement{"moved", score::Translation::whole_pixel, 1e-6, 0},
                                         Placement{"twin", score::Translation::whole_pixel, 1e-6, 0},
                                         Placement{"sub_pixel", score::Translation::sub_pixel, 2e-4, 0.006},
                                         Placement{"sub_pixel_twin", score::Translation::sub_pixel, 0.02,
                                                   0.006}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(GoldenConfidence, AgreesToAThousandth) {
  const GoldenFile file;
  const int n = edge_of(file, "confidence/objects", 1);
  const auto prtf = file.read<float>("confidence/prtf");
  const auto result =
      score::confidence(file.read<Complex>("confidence/objects"), n, 2 * static_cast<int>(prtf.size() - 1));
  EXPECT_NEAR(result.agreement, file.scalar("confidence/agreement"), 1e-3);
  expect_near(result.prtf, prtf, 1e-3f);
  expect_near(result.mean, file.read<Complex>("confidence/mean"), 0.01f);
}

}  // namespace
}  // namespace flashphase::golden
