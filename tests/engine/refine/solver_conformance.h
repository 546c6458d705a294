#pragma once

#include <gmock/gmock.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "engine/refine/solver.h"

namespace flashphase::refine {

/// An implementation of Solver that has to pass the conformance suite (solver_test.cpp, bad_input_test.cpp,
/// like_the_cpu_test.cpp). Each program that links the suite instantiates it with its own.
struct SolverUnderTest {
  std::string name;
  std::function<std::unique_ptr<Solver>(std::chrono::nanoseconds time_limit)> make;
  bool any_size = true;  ///< or patterns of AllFusedSizes alone
  bool quick = true;     ///< thousands of iterations take no time
  /// The same start gives the same object to the last bit in whatever company, and the residual is
  /// score::ModulusScorer's own. Else both hold to 1e-4.
  bool exact = false;
  std::string missing{};  ///< why it cannot be tested here; empty when it can
};

inline void PrintTo(const SolverUnderTest& solver, std::ostream* stream) {
  *stream << solver.name;
}

class SolverConformance : public testing::TestWithParam<SolverUnderTest> {
 protected:
  void SetUp() override {
    if (!GetParam().missing.empty()) GTEST_SKIP() << GetParam().missing;
  }

  static std::unique_ptr<Solver> make(std::chrono::nanoseconds time_limit = std::chrono::minutes(10)) {
    return GetParam().make(time_limit);
  }

  static Refined solve(const PatternBatch& patterns, const Starts& starts, const char* schedule,
                       std::chrono::nanoseconds time_limit = std::chrono::minutes(10)) {
    Refined refined;
    make(time_limit)->solve(patterns, starts, parse_schedule(schedule), refined);
    return refined;
  }

  /// The same objects, as far as this solver promises.
  static void expect_same(std::span<const std::complex<float>> got,
                          std::span<const std::complex<float>> expected) {
    ASSERT_EQ(got.size(), expected.size());
    double difference = 0, energy = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (GetParam().exact) {
        ASSERT_EQ(got[i], expected[i]) << i;
      }
      difference += static_cast<double>(std::norm(got[i] - expected[i]));
      energy += static_cast<double>(std::norm(expected[i]));
    }
    EXPECT_LE(difference, 1e-8 * energy);
  }

  static void expect_same_residual(float got, float expected) {
    if (GetParam().exact) {
      EXPECT_EQ(got, expected);
    } else {
      EXPECT_NEAR(got, expected, 1e-4f * expected + 1e-9f);
    }
  }
};

class BadInput : public SolverConformance {};

class LikeTheCpu : public SolverConformance {
 protected:
  /// The solver gives what the CPU's gives. `tolerance` of the residual, relative.
  static void expect_like_the_cpu(const PatternBatch& patterns, const Starts& starts,
                                  const std::vector<const char*>& schedules, float tolerance = 1e-4f);
};

}  // namespace flashphase::refine
