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

using Complex = std::complex<double>;

struct Split {
  explicit Split(int m) : re(static_cast<std::size_t>(m * m)), im(re.size()) {
    std::mt19937 generator(7);
    std::normal_distribution<float> normal;
    for (std::size_t i = 0; i < re.size(); ++i) {
      re[i] = normal(generator);
      im[i] = normal(generator);
    }
  }
  Complex at(int i) const {
    const auto cell = static_cast<std::size_t>(i);
    return {re[cell], im[cell]};
  }
  AlignedFloats re, im;
};

/// The definition, for one ky: [kx].
std::vector<Complex> coefficients(const Split& plane, int m, int ky) {
  std::vector<Complex> roots, column_sums, result;
  for (int i = 0; i < m; ++i) roots.push_back(std::polar(1.0, -2 * std::numbers::pi * i / m));
  for (int x = 0; x < m; ++x) {
    Complex sum = 0;
    for (int y = 0; y < m; ++y) sum += plane.at(y * m + x) * roots[static_cast<std::size_t>(y * ky % m)];
    column_sums.push_back(sum);
  }
  for (int kx = 0; kx < m; ++kx) {
    Complex sum = 0;
    for (int x = 0; x < m; ++x)
      sum += column_sums[static_cast<std::size_t>(x)] * roots[static_cast<std::size_t>(x * kx % m)];
    result.push_back(sum);
  }
  return result;
}

/// Root of the sum of squared differences over that of the squares.
class RelativeError {
 public:
  void add(Complex is, Complex expected) {
    difference_ += std::norm(is - expected);
    whole_ += std::norm(expected);
  }
  double operator()() const { return std::sqrt(difference_ / whole_); }

 private:
  double difference_ = 0, whole_ = 0;
};

class KernelTest : public testing::TestWithParam<std::pair<std::string, int>> {
 protected:
  static std::unique_ptr<Kernel> make() {
    const auto& [name, m] = GetParam();
    if (name == "avx512" && __builtin_cpu_supports("avx512dq")) return make_kernel_avx512(m);
    if (name == "avx2" && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
      return make_kernel_avx2(m);
    if (name == "baseline") return make_kernel_baseline(m);
    if (name == "plain") return make_plain_kernel(m);
    return nullptr;
  }
};

TEST_P(KernelTest, ForwardIsTheTransposedDefinitionAndInverseUndoesIt) {
  const auto kernel = make();
  if (!kernel) GTEST_SKIP() << "this CPU lacks " << GetParam().first;
  const int m = GetParam().second;
  const Split before(m);
  Split plane(m);
  kernel->forward(plane.re.data(), plane.im.data());
  RelativeError forward, back;
  for (const int ky : {0, m / 3, m / 2, m - 1}) {
    const std::vector<Complex> expected = coefficients(before, m, ky);
    for (int kx = 0; kx < m; ++kx) forward.add(plane.at(kx * m + ky), expected[static_cast<std::size_t>(kx)]);
  }
  EXPECT_LT(forward(), 4e-7);
  kernel->inverse(plane.re.data(), plane.im.data());
  for (int i = 0; i < m * m; ++i) back.add(plane.at(i), before.at(i));
  EXPECT_LT(back(), 6e-7);
}

// Every radix as the first and as the last, primes by their sum and by convolution, alone and not; the sizes
// that detectors give; whole vectors and not.
constexpr int kSizes[] = {16,  17,  18,  19,  20,  23,  24,  25,  27,  30,  32,  36,  40,  48,  49,
                          50,  61,  64,  81,  90,  96,  98,  100, 106, 120, 121, 127, 128, 131, 160,
                          169, 192, 200, 240, 254, 256, 318, 320, 343, 384, 400, 509, 512, 720, 1000};

std::vector<std::pair<std::string, int>> cases() {
  std::vector<std::pair<std::string, int>> all;
  for (const char* name : {"avx512", "avx2", "baseline"})
    for (const int m : kSizes) all.emplace_back(name, m);
  all.emplace_back("avx2", 1021);
  all.emplace_back("avx2", 1024);
  for (int m = 1; m < 17; ++m) all.emplace_back("plain", m);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Sizes, KernelTest, testing::ValuesIn(cases()), [](const auto& tested) {
  return tested.param.first + "_" + std::to_string(tested.param.second);
});

TEST(Fft2, NamesWhatDoesTheWork) {
  const std::string set = instruction_set();
  EXPECT_EQ(Fft2(12).kernel_name(), "plain");
  EXPECT_EQ(Fft2(16).kernel_name(), set + " radix 4x4");
  EXPECT_EQ(Fft2(64).kernel_name(), set + " radix 8x8");
  EXPECT_EQ(Fft2(98).kernel_name().find(set + " radix 7x"), 0u) << Fft2(98).kernel_name();
  EXPECT_EQ(Fft2(1021).kernel_name().find(set + " bluestein 2"), 0u) << Fft2(1021).kernel_name();
}

TEST(Fft2, RefusesASizeBelowOne) {
  EXPECT_THROW(Fft2(0), std::invalid_argument);
  EXPECT_THROW(Fft2(-4), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::fft
