#include "engine/refine/loop/loop.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <random>
#include <string>

#include "engine/fft/fft2.h"

namespace flashphase::refine {
namespace {

struct Backend {
  std::string name;
  std::unique_ptr<Loop> (*make)(int);
  bool (*supported)();
};

void PrintTo(const Backend& backend, std::ostream* stream) {
  *stream << backend.name;
}

void set(Loop& loop, const fft::AlignedFloats& re, const fft::AlignedFloats& im) {
  const Loop::Edit g = loop.edit();
  std::copy_n(re.data(), re.size(), g.re);
  std::copy_n(im.data(), im.size(), g.im);
}

/// g, support and target of one size, twice: for the loop under test and for the plain one.
class LoopOf : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    if (!GetParam().supported()) GTEST_SKIP() << "this CPU has no " << GetParam().name;
  }

  struct Planes {
    explicit Planes(const Loop& loop, int m)
        : re(loop.cells()),
          im(re.size()),
          support(re.size()),
          modulus(re.size()),
          low(re.size()),
          high(re.size()) {
      std::mt19937 random(static_cast<unsigned>(m));
      const auto uniform = [&] { return static_cast<float>(random() % 2001) / 1000 - 1; };
      for (int cell = 0; cell < m * m; ++cell) {
        const auto i = static_cast<std::size_t>(cell / m * loop.stride() + cell % m);
        re[i] = uniform();
        im[i] = uniform();
        support[i] = static_cast<float>(random() % 2);
        modulus[i] = random() % 8 == 0 ? -1.0f : std::abs(uniform()) * static_cast<float>(m);
        low[i] = 0.8f * std::max(0.0f, modulus[i]);
        high[i] = modulus[i] < 0 ? 0.5f * static_cast<float>(m) : 1.1f * modulus[i];
      }
    }
    Target exact() const { return {modulus.data()}; }
    Target bounded() const { return {modulus.data(), low.data(), high.data()}; }

    fft::AlignedFloats re, im, support, modulus, low, high;
  };

  /// With their padding, which is zero.
  static void expect_near(const Loop& fast, const Loop& slow) {
    float difference = 0;
    for (std::size_t i = 0; i < fast.cells(); ++i) {
      difference = std::max(
          {difference, std::abs(fast.re()[i] - slow.re()[i]), std::abs(fast.im()[i] - slow.im()[i])});
    }
    EXPECT_LT(difference, 1e-5f);
  }

  /// Three iterations in both, then equality.
  void compare_iterations(int m, const Update& update, bool bounded) {
    SCOPED_TRACE(m);
    const auto fast = GetParam().make(m), slow = make_plain_loop(m);
    ASSERT_TRUE(fast);
    const Planes planes(*slow, m);
    const Target target = bounded ? planes.bounded() : planes.exact();
    set(*fast, planes.re, planes.im);
    set(*slow, planes.re, planes.im);
    for (int i = 0; i < 3; ++i) {
      const bool sums = i != 1;
      const ModulusSums x = fast->project(target, sums);
      const ModulusSums y = slow->project(target, sums);
      EXPECT_NEAR(x.aa, y.aa, 1e-5 * y.aa);
      EXPECT_NEAR(x.ae, y.ae, 1e-5 * y.aa);
      EXPECT_NEAR(x.ee, y.ee, 1e-5 * y.ee);
      EXPECT_EQ(y.aa > 0, sums);
      fast->update(planes.support.data(), update);
      slow->update(planes.support.data(), update);
    }
    expect_near(*fast, *slow);
  }
};

// Plans with every radix as the last, primes by their sum and by convolution, alone and not, whole vectors
// and not.
constexpr int kSizes[] = {16, 17, 18, 25, 27, 30, 32, 36, 49, 64, 98, 100, 106, 120, 128, 131, 200, 254, 256};

TEST_P(LoopOf, EqualsThePlainLoopForMixesOfProjectionAndIterate) {
  for (const int m : kSizes) {
    Update update;
    compare_iterations(m, update, false);
    update.outside = {-0.8f, 0.9f};
    compare_iterations(m, update, false);
    update.inside = {0.7f, 0.2f};
    compare_iterations(m, update, false);
    compare_iterations(m, update, true);
  }
}

TEST_P(LoopOf, EqualsThePlainLoopUnderConditionsOnThePixels) {
  Update update;
  update.outside = {-0.8f, 0.9f};
  update.test = {1.5f, -0.5f};
  update.between = {-1.5f, 1};
  for (const auto& [positive, real] :
       {std::pair{true, false}, std::pair{false, true}, std::pair{true, true}}) {
    update.positive = positive;
    update.real = real;
    compare_iterations(64, update, false);
  }
}

TEST_P(LoopOf, EqualsThePlainLoopWithMomentum) {
  for (const int m : kSizes) {
    SCOPED_TRACE(m);
    for (const bool real : {false, true}) {
      const auto fast = GetParam().make(m), slow = make_plain_loop(m);
      const Planes planes(*slow, m);
      const auto run = [&](Loop& loop) {
        fft::AlignedFloats last_re(planes.re.size()), last_im(planes.re.size());
        set(loop, planes.re, planes.im);
        for (const float factor : {0.0f, 0.5f, 0.9f}) {
          loop.project(planes.exact(), false);
          loop.accelerate(planes.support.data(), real, {last_re.data(), last_im.data(), factor});
        }
        loop.project(planes.exact(), false);
        loop.update(planes.support.data(), Update{});
      };
      run(*fast);
      run(*slow);
      expect_near(*fast, *slow);
    }
  }
}

TEST_P(LoopOf, GivesTheProjectionItself) {
  for (const int m : kSizes) {
    const auto fast = GetParam().make(m), slow = make_plain_loop(m);
    const Planes planes(*slow, m);
    for (Loop* loop : {fast.get(), slow.get()}) {
      set(*loop, planes.re, planes.im);
      loop->project(planes.exact(), false);
      const Loop::Edit g = loop->edit();
      loop->image(g.re, g.im);
    }
    expect_near(*fast, *slow);
  }
}

TEST_P(LoopOf, GoesOnFromWhatAnEditLeaves) {
  for (const int m : kSizes) {
    SCOPED_TRACE(m);
    const auto edited = GetParam().make(m), fresh = GetParam().make(m), plain = make_plain_loop(m);
    const Planes planes(*plain, m);
    for (Loop* loop : {edited.get(), plain.get()}) {
      set(*loop, planes.im, planes.re);
      loop->project(planes.exact(), false);
      loop->update(planes.support.data(), Update{});
      set(*loop, planes.re, planes.im);
    }
    set(*fresh, planes.re, planes.im);
    for (Loop* loop : {edited.get(), fresh.get(), plain.get()}) {
      loop->project(planes.exact(), false);
      loop->update(planes.support.data(), Update{});
    }
    EXPECT_TRUE(std::equal(edited->re(), edited->re() + planes.re.size(), fresh->re()));
    EXPECT_TRUE(std::equal(edited->im(), edited->im() + planes.im.size(), fresh->im()));
    expect_near(*edited, *plain);
  }
}

TEST_P(LoopOf, ProjectsACoefficientOfZeroToSomethingFinite) {
  const auto loop = GetParam().make(16);
  Planes planes(*loop, 16);
  for (float& value : planes.re.span()) value = 0;
  for (float& value : planes.im.span()) value = 0;
  set(*loop, planes.re, planes.im);
  loop->project(planes.exact(), true);
  loop->image(planes.re.data(), planes.im.data());
  for (const float value : planes.re.span()) EXPECT_TRUE(std::abs(value) < 100) << value;
}

INSTANTIATE_TEST_SUITE_P(
    EveryInstructionSet, LoopOf,
    testing::Values(Backend{"baseline", make_loop_baseline, [] { return true; }},
                    Backend{"avx2", make_loop_avx2,
                            [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }},
                    Backend{"avx512", make_loop_avx512,
                            [] {
                              return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
                            }}),
    testing::PrintToStringParamName());

TEST(PlainLoop, ProjectsOnTheMeasuredModulusAndLeavesTheRest) {
  constexpr int m = 16;
  fft::Fft2 fft(m);
  fft::AlignedFloats re(m * m), im(m * m), modulus(m * m);
  for (std::size_t i = 0; i < re.size(); ++i) {
    re[i] = static_cast<float>(i * 37 % 23) - 11;
    im[i] = static_cast<float>(i * 53 % 19) - 9;
    modulus[i] = i % 3 == 0 ? -1.0f : static_cast<float>(i % 17);
  }
  const auto loop = make_plain_loop(m);
  set(*loop, re, im);
  const ModulusSums sums = loop->project({modulus.data()}, true);
  fft::AlignedFloats p_re(m * m), p_im(m * m);
  loop->image(p_re.data(), p_im.data());
  fft.forward(re.data(), im.data());
  fft.forward(p_re.data(), p_im.data());
  double aa = 0, ae = 0, ee = 0;
  for (std::size_t i = 0; i < re.size(); ++i) {
    const float a = std::hypot(re[i], im[i]), b = modulus[i], factor = b < 0 ? 1 : b / a;
    EXPECT_NEAR(p_re[i], re[i] * factor, 1e-3f);
    EXPECT_NEAR(p_im[i], im[i] * factor, 1e-3f);
    if (b < 0) continue;
    const auto wide = static_cast<double>(a), e = wide - static_cast<double>(b);
    aa += wide * wide;
    ae += wide * e;
    ee += e * e;
  }
  EXPECT_NEAR(sums.aa, aa, 1e-6 * aa);
  EXPECT_NEAR(sums.ae, ae, 1e-6 * aa);
  EXPECT_NEAR(sums.ee, ee, 1e-6 * ee);
}

TEST(PlainLoop, KeepsZeroWhatPadsItsRows) {
  constexpr int m = 5;
  const auto loop = make_plain_loop(m);
  const auto padded = static_cast<std::size_t>(loop->stride());
  ASSERT_GT(padded, m);
  ASSERT_EQ(loop->cells(), padded * m);
  {
    const Loop::Edit g = loop->edit();
    for (std::size_t y = 0; y < m; ++y)
      for (std::size_t x = 0; x < m; ++x) g.re[y * padded + x] = 1 + static_cast<float>(x * y);
  }
  fft::AlignedFloats modulus(loop->cells()), support(loop->cells());
  for (float& value : modulus.span()) value = -1;
  loop->project({modulus.data()}, false);
  loop->update(support.data(), {.outside = {1, 0}});
  for (std::size_t i = 0; i < loop->cells(); ++i) {
    const std::size_t x = i % padded, y = i / padded;
    EXPECT_NEAR(loop->re()[i], x < m ? 1 + static_cast<float>(x * y) : 0, 1e-5f);
  }
}

TEST(MakeLoop, NamesWhatDoesTheTransforms) {
  EXPECT_EQ(make_loop(96)->kernel_name(), fft::Fft2(96).kernel_name());
  EXPECT_EQ(make_loop(1021)->kernel_name(), fft::Fft2(1021).kernel_name());
  EXPECT_EQ(make_loop(12)->kernel_name(), "plain");
  EXPECT_EQ(make_plain_loop(96)->kernel_name(), "plain");
}

TEST(PlainLoop, MovesTheModulusToTheNearestBound) {
  constexpr int m = 16;
  fft::Fft2 fft(m);
  fft::AlignedFloats re(m * m), im(m * m), modulus(m * m), low(m * m), high(m * m);
  for (std::size_t i = 0; i < re.size(); ++i) {
    re[i] = static_cast<float>(i * 37 % 23) - 11;
    low[i] = i % 2 ? 20 : 0;
    high[i] = i % 2 ? 1e18f : 10;
  }
  const auto loop = make_plain_loop(m);
  set(*loop, re, im);
  loop->project({modulus.data(), low.data(), high.data()}, false);
  fft::AlignedFloats p_re(m * m), p_im(m * m);
  loop->image(p_re.data(), p_im.data());
  fft.forward(re.data(), im.data());
  fft.forward(p_re.data(), p_im.data());
  for (std::size_t i = 0; i < re.size(); ++i) {
    const float a = std::hypot(re[i], im[i]);
    EXPECT_NEAR(std::hypot(p_re[i], p_im[i]), std::clamp(a, low[i], high[i]), 1e-3f);
  }
}

}  // namespace
}  // namespace flashphase::refine
