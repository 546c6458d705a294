#include "engine/refine/solver.h"

#include <gmock/gmock.h>

#include <cmath>
#include <ostream>

#include "tests/golden/golden_file.h"

namespace flashphase::golden {
namespace {

using Complex = std::complex<float>;

struct Run {
  const char* name;       // of the case, see README.md
  const char* algorithm;  // "ER" or "HIO"
};

void PrintTo(const Run& run, std::ostream* out) {
  *out << run.name << " " << run.algorithm;
}

class GoldenSolver : public testing::TestWithParam<Run> {};

double distance(std::span<const Complex> a, std::span<const Complex> b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference += static_cast<double>(std::norm(a[i] - b[i]));
    size += static_cast<double>(std::norm(b[i]));
  }
  return std::sqrt(difference / size);
}

/// Residuals to 1e-4 of their value (and 1e-9: what single precision leaves), objects to 1e-4 of their norm.
TEST_P(GoldenSolver, IsWhereTheTextbookIsAfterEachNumberOfIterations) {
  const GoldenFile file;
  const std::string folder = std::string("iterate/") + GetParam().name + "/";
  const std::string results = folder + GetParam().algorithm + "/";
  PatternBatch patterns(1, static_cast<int>(file.shape(folder + "intensity")[0]));
  patterns.intensity = file.read<float>(folder + "intensity");
  patterns.measured = file.read<std::uint8_t>(folder + "measured");
  const refine::Starts starts{1, static_cast<int>(file.shape(folder + "start")[0]),
                              file.read<Complex>(folder + "start"),
                              file.read<std::uint8_t>(folder + "support")};
  const auto iterations = file.read<int>(folder + "iterations");
  const auto residuals = file.read<float>(results + "residuals");
  const auto objects = file.read<Complex>(results + "objects");
  ASSERT_EQ(objects.size(), iterations.size() * starts.object.size());

  const auto solver = refine::make_cpu_solver();
  for (std::size_t k = 0; k < iterations.size(); ++k) {
    refine::Refined refined;
    solver->solve(patterns, starts,
                  refine::parse_schedule(std::to_string(iterations[k]) + "*" + GetParam().algorithm),
                  refined);
    // HIO makes differences of rounding larger with each iteration.
    EXPECT_NEAR(refined.objects.residual[0], residuals[k], 1e-3f * residuals[k] + 1e-9f)
        << iterations[k] << " iterations";
    const std::span expected(objects.data() + k * starts.object.size(), starts.object.size());
    EXPECT_LT(distance(refined.objects.object, expected), 1e-4) << iterations[k] << " iterations";
  }
}

INSTANTIATE_TEST_SUITE_P(Runs, GoldenSolver,
                         testing::Values(Run{"every", "ER"}, Run{"every", "HIO"}, Run{"masked", "ER"},
                                         Run{"masked", "HIO"}, Run{"far", "ER"}, Run{"far", "HIO"}),
                         [](const auto& test) {
                           return std::string(test.param.name) + test.param.algorithm;
                         });

}  // namespace
}  // namespace flashphase::golden
