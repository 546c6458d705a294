#include "engine/fft/fft2.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <functional>
#include <memory>
#include <numbers>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/fft/kernel.h"

namespace flashphase::fft {
namespace {

using Plane = std::vector<std::complex<double>>;

Plane random_plane(int m, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  Plane plane(static_cast<std::size_t>(m * m));
  for (auto& value : plane) value = {normal(generator), normal(generator)};
  return plane;
}

/// The definition, as rows then columns of a direct sum: [ky, kx].
Plane reference_transform(const Plane& in, int m) {
  const auto lines = [m](const Plane& source) {  // transforms every row and transposes
    Plane out(source.size());
    for (int y = 0; y < m; ++y)
      for (int k = 0; k < m; ++k) {
        std::complex<double> sum = 0;
        for (int x = 0; x < m; ++x)
          sum += source[y * m + x] * std::polar(1.0, -2 * std::numbers::pi * ((x * k) % m) / m);
        out[k * m + y] = sum;
      }
    return out;
  };
  return lines(lines(in));
}

struct Split {
  explicit Split(const Plane& plane) : re(plane.size()), im(plane.size()) {
    for (std::size_t i = 0; i < plane.size(); ++i) {
      re[i] = static_cast<float>(plane[i].real());
      im[i] = static_cast<float>(plane[i].imag());
    }
  }
  AlignedFloats re, im;
};

class KernelTest : public testing::TestWithParam<std::pair<std::string, int>> {
 protected:
  static std::unique_ptr<Kernel> make() {
    const auto& [name, m] = GetParam();
    if (name == "avx512" && __builtin_cpu_supports("avx512dq")) return make_kernel_avx512(m);
    if (name == "avx2" && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
      return make_kernel_avx2(m);
    if (name == "baseline") return make_kernel_baseline(m);
    if (name == "any_size") return make_kernel_any_size(m);
    return nullptr;
  }
};

TEST_P(KernelTest, ForwardIsTheTransposedDefinitionAndInverseUndoesIt) {
  const auto kernel = make();
  if (!kernel) GTEST_SKIP() << "this CPU lacks " << GetParam().first;
  const int m = GetParam().second;
  const Plane plane = random_plane(m, 7);
  const Plane expected = reference_transform(plane, m);
  Split split(plane);
  kernel->forward(split.re.data(), split.im.data());
  for (int y = 0; y < m; ++y)
    for (int x = 0; x < m; ++x) {
      ASSERT_NEAR(split.re[x * m + y], expected[y * m + x].real(), 2e-5 * m) << y << ' ' << x;
      ASSERT_NEAR(split.im[x * m + y], expected[y * m + x].imag(), 2e-5 * m) << y << ' ' << x;
    }
  kernel->inverse(split.re.data(), split.im.data());
  for (std::size_t i = 0; i < plane.size(); ++i) {
    ASSERT_NEAR(split.re[i], plane[i].real(), 1e-5);
    ASSERT_NEAR(split.im[i], plane[i].imag(), 1e-5);
  }
}

std::vector<std::pair<std::string, int>> cases() {
  std::vector<std::pair<std::string, int>> all;
  for (const char* name : {"avx512", "avx2", "baseline"})
    for (const int m : {16, 32, 64, 128}) all.emplace_back(name, m);
  for (const int m : {1, 2, 3, 5, 12, 31, 48, 64}) all.emplace_back("any_size", m);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Sizes, KernelTest, testing::ValuesIn(cases()), [](const auto& tested) {
  return tested.param.first + "_" + std::to_string(tested.param.second);
});

TEST(Fft2, LargePowersOfTwoAgreeWithTheGeneralRoutine) {
  for (const int m : {256, 512}) {
    const Plane plane = random_plane(m, 3);
    Split fast(plane), general(plane);
    Fft2(m).forward(fast.re.data(), fast.im.data());
    make_kernel_any_size(m)->forward(general.re.data(), general.im.data());
    for (std::size_t i = 0; i < plane.size(); ++i) {
      ASSERT_NEAR(fast.re[i], general.re[i], 1e-5 * m);
      ASSERT_NEAR(fast.im[i], general.im[i], 1e-5 * m);
    }
  }
}

TEST(Fft2, RefusesASizeBelowOne) {
  EXPECT_THROW(Fft2(0), std::invalid_argument);
  EXPECT_THROW(Fft2(-4), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::fft
