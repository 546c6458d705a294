#include "engine/refine/kernels.h"

#include <gmock/gmock.h>

#include <cmath>
#include <ostream>
#include <random>
#include <string>

#include "engine/fft/fft2.h"

namespace flashphase::refine {
namespace {

struct InstructionSet {
  std::string name;
  Kernels (*make)();
  bool (*supported)();
};

void PrintTo(const InstructionSet& set, std::ostream* stream) {
  *stream << set.name;
}

class KernelsOf : public testing::TestWithParam<InstructionSet> {
 protected:
  void SetUp() override {
    if (!GetParam().supported()) GTEST_SKIP() << "this CPU has no " << GetParam().name;
  }

  fft::AlignedFloats random_plane(std::size_t count) {
    fft::AlignedFloats plane(count);
    for (float& value : plane.span()) value = static_cast<float>(random_() % 2001) / 1000 - 1;
    return plane;
  }

  fft::AlignedFloats random_support(std::size_t count) {
    fft::AlignedFloats plane(count);
    for (float& value : plane.span()) value = static_cast<float>(random_() % 2);
    return plane;
  }

 private:
  std::mt19937 random_{7};
};

constexpr std::size_t kCounts[] = {1, 15, 36, 1024, 4096, 10000};

TEST_P(KernelsOf, ProjectOnTheMeasuredModulusAndLeaveTheRest) {
  for (const std::size_t count : kCounts) {
    auto re = random_plane(count), im = random_plane(count),
         modulus = random_plane(count);  // half of them negative
    const auto re_before = re.span(), im_before = im.span();
    const std::vector<float> was_re(re_before.begin(), re_before.end()),
        was_im(im_before.begin(), im_before.end());
    const ModulusSums sums = GetParam().make().project(re.data(), im.data(), modulus.data(), count);
    double aa = 0, ae = 0, ee = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const double a = std::hypot(was_re[i], was_im[i]), b = modulus[i];
      if (b < 0) {
        EXPECT_EQ(re[i], was_re[i]);
        EXPECT_EQ(im[i], was_im[i]);
        continue;
      }
      EXPECT_NEAR(re[i], was_re[i] * b / a, 2e-6);
      EXPECT_NEAR(im[i], was_im[i] * b / a, 2e-6);
      aa += a * a;
      ae += a * (a - b);
      ee += (a - b) * (a - b);
    }
    EXPECT_NEAR(sums.aa, aa, 1e-5 * aa + 1e-6) << count;
    EXPECT_NEAR(sums.ae, ae, 1e-5 * aa + 1e-6) << count;
    EXPECT_NEAR(sums.ee, ee, 1e-5 * ee + 1e-6) << count;
  }
}

TEST_P(KernelsOf, ProjectACoefficientOfZeroToZero) {
  fft::AlignedFloats re(16), im(16), modulus(16);
  re[0] = 1e-30f;
  for (float& value : modulus.span()) value = 5;
  GetParam().make().project(re.data(), im.data(), modulus.data(), 16);
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_TRUE(std::isfinite(re[i])) << i;
    EXPECT_LE(std::abs(re[i]), 5.001f) << i;
    EXPECT_EQ(im[i], 0) << i;
  }
}

TEST_P(KernelsOf, ReduceTheErrorOutsideTheSupport) {
  for (const std::size_t count : kCounts) {
    auto g = random_plane(count), w = random_plane(count), support = random_support(count);
    const std::vector<float> was_w(w.span().begin(), w.span().end());
    GetParam().make().er(g.data(), w.data(), support.data(), count);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(g[i], support[i] > 0 ? was_w[i] : 0.0f);
      EXPECT_EQ(w[i], g[i]);
    }
  }
}

TEST_P(KernelsOf, FeedTheOutsideBackInHybridInputOutput) {
  for (const std::size_t count : kCounts) {
    auto g = random_plane(count), w = random_plane(count), support = random_support(count);
    const std::vector<float> was_g(g.span().begin(), g.span().end()), was_w(w.span().begin(), w.span().end());
    GetParam().make().hio(g.data(), w.data(), support.data(), 0.9f, count);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_NEAR(g[i], support[i] > 0 ? was_w[i] : was_g[i] - 0.9f * was_w[i], 1e-6);
      EXPECT_EQ(w[i], g[i]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryInstructionSet, KernelsOf,
                         testing::Values(InstructionSet{"baseline", kernels_baseline, [] { return true; }},
                                         InstructionSet{"avx2", kernels_avx2,
                                                        [] {
                                                          return __builtin_cpu_supports("avx2") &&
                                                                 __builtin_cpu_supports("fma");
                                                        }},
                                         InstructionSet{"avx512", kernels_avx512,
                                                        [] {
                                                          return __builtin_cpu_supports("avx512f") &&
                                                                 __builtin_cpu_supports("avx512dq");
                                                        }}),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace flashphase::refine
