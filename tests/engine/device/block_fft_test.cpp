#include "engine/device/block_fft.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <set>
#include <utility>

#include "engine/device/block.h"
#include "engine/fft/fft2.h"
#include "tests/engine/device/block_emulator.h"

namespace flashphase::device {
namespace {

/// Forward and inverse passes of a plane in one emulated block.
template <int kSize>
class PlaneOf {
 public:
  using Fft = PlaneFft<kSize>;

  PlaneOf() {
    for (int j = 0; j < Fft::kTwists; ++j) {
      const double angle = -2 * M_PI * j / kSize;
      twists_.push_back({static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))});
    }
  }

  void forward() {
    Fft::template strided_pass<false, Axis::y>(block_, plane.data(), twists_.data());
    Fft::template dense_pass<false, Axis::y>(block_, plane.data(), twists_.data());
    Fft::template strided_pass<false, Axis::x>(block_, plane.data(), twists_.data());
    Fft::template dense_pass<false, Axis::x>(block_, plane.data(), twists_.data());
  }
  void inverse() {
    Fft::template dense_pass<true, Axis::x>(block_, plane.data(), twists_.data());
    Fft::template strided_pass<true, Axis::x>(block_, plane.data(), twists_.data());
    Fft::template dense_pass<true, Axis::y>(block_, plane.data(), twists_.data());
    Fft::template strided_pass<true, Axis::y>(block_, plane.data(), twists_.data());
  }

  std::vector<Complex> plane = std::vector<Complex>(Fft::kElements);

 private:
  EmulatedBlock block_{Fft::kThreads};
  std::vector<Complex> twists_;
};

template <class Size>
class PlaneFftOfSize : public testing::Test {};

template <int kSize>
struct Size {
  static constexpr int value = kSize;
};
using Sizes = testing::Types<Size<32>, Size<64>, Size<80>, Size<96>, Size<98>, Size<100>, Size<112>,
                             Size<120>, Size<128>>;
TYPED_TEST_SUITE(PlaneFftOfSize, Sizes);

TYPED_TEST(PlaneFftOfSize, EqualsFft2UpToTheOrderOfFrequencies) {
  constexpr int m = TypeParam::value;
  using Fft = PlaneFft<m>;
  PlaneOf<m> block;
  fft::Fft2 reference(m);
  fft::AlignedFloats re(m * m), im(m * m);
  std::mt19937 random(m);
  const auto uniform = [&] { return static_cast<float>(random() % 2001) / 1000 - 1; };
  for (int y = 0; y < m; ++y) {
    for (int x = 0; x < m; ++x) {
      const auto i = static_cast<std::size_t>(y * m + x);
      re[i] = uniform();
      im[i] = uniform();
      block.plane[static_cast<std::size_t>(Fft::index(y, x))] = {re[i], im[i]};
    }
  }
  const std::vector<Complex> before = block.plane;
  reference.forward(re.data(), im.data());
  block.forward();
  float difference = 0;
  for (int y = 0; y < m; ++y) {
    for (int x = 0; x < m; ++x) {
      const auto i = static_cast<std::size_t>(Fft::frequency(x) * m + Fft::frequency(y));
      const Complex got = block.plane[static_cast<std::size_t>(Fft::index(y, x))];
      difference = std::max({difference, std::abs(got.re - re[i]), std::abs(got.im - im[i])});
    }
  }
  EXPECT_LT(difference, 3e-6f * m);
  block.inverse();
  for (std::size_t i = 0; i < before.size(); ++i) {
    ASSERT_NEAR(block.plane[i].re, before[i].re * m * m, 2e-6f * m * m);
    ASSERT_NEAR(block.plane[i].im, before[i].im * m * m, 2e-6f * m * m);
  }
}

/// Keeps the index that each pass asks for.
struct Recorder {
  struct Slot {
    std::vector<int>* indices;
    int index;
    operator Complex() const {  // NOLINT: stands for a Complex
      indices->push_back(index);
      return {0, 0};
    }
    void operator=(Complex) const {}
  };
  Slot operator[](int i) const { return {indices, i}; }
  std::vector<int>* indices;
};

/// The most words of a pair of banks that a half warp asks for at once, in any access, and how often so many.
struct Conflicts {
  std::size_t most = 0;
  int half_warps = 0, with_most = 0;

  void add(const std::vector<int>& indices) {
    std::size_t words[16] = {};
    for (const int index : indices) ++words[index % 16];
    const std::size_t here = *std::ranges::max_element(words);
    if (here > most) with_most = 0;
    most = std::max(most, here);
    with_most += here == most;
    ++half_warps;
  }
};

template <int kSize, Axis kAxis>
Conflicts conflicts() {
  using Fft = PlaneFft<kSize>;
  // [group][thread][access]
  const auto of_groups = [](int groups, auto has, auto load) {
    std::vector<std::vector<std::vector<int>>> indices;
    for (int group = 0; group < groups; ++group) {
      indices.emplace_back(static_cast<std::size_t>(Fft::kThreads));
      for (int thread = 0; thread < Fft::kThreads; ++thread) {
        if (!has(thread, group)) continue;
        const typename Fft::template Passes<kAxis, Recorder> pass(
            {&indices.back()[static_cast<std::size_t>(thread)]}, thread);
        load(pass, group);
      }
    }
    return indices;
  };
  const auto strided = of_groups(Fft::kStridedGroups, Fft::has_strided, [](const auto& pass, int group) {
    Complex v[Fft::kFirst];
    pass.load_strided(v, group);
  });
  const auto dense = of_groups(Fft::kDenseGroups, Fft::has_dense, [](const auto& pass, int group) {
    Complex v[Fft::kSecond];
    pass.load_dense(v, group);
  });
  Conflicts found;
  for (const auto& groups : {strided, dense}) {
    std::multiset<int> all;
    for (const auto& threads : groups) {
      for (std::size_t half_warp = 0; half_warp < threads.size(); half_warp += 16) {
        std::vector<std::vector<int>> accesses;
        for (std::size_t thread = half_warp; thread < half_warp + 16; ++thread) {
          all.insert(threads[thread].begin(), threads[thread].end());
          accesses.resize(std::max(accesses.size(), threads[thread].size()));
          for (std::size_t i = 0; i < threads[thread].size(); ++i) accesses[i].push_back(threads[thread][i]);
        }
        for (const auto& access : accesses) found.add(access);
      }
    }
    EXPECT_EQ(all.size(), static_cast<std::size_t>(kSize * kSize)) << "each element once";
    EXPECT_EQ(std::set<int>(all.begin(), all.end()).size(), all.size());
    EXPECT_LT(*all.rbegin(), Fft::kElements);
  }
  return found;
}

TYPED_TEST(PlaneFftOfSize, FindsEveryPairOfBanksOnceInEveryAccessOfAHalfWarp) {
  constexpr int m = TypeParam::value;
  for (const Conflicts& found : {conflicts<m, Axis::y>(), conflicts<m, Axis::x>()}) {
    if (m == 100) {  // 10 x 10 has gaps between the lines of some half warps
      EXPECT_EQ(found.most, 2u);
      EXPECT_LE(found.with_most, found.half_warps / 5);
    } else {
      EXPECT_EQ(found.most, 1u);
    }
  }
}

template <int kRadix, bool kInverse>
void expect_transform() {
  Complex v[kRadix], plain[kRadix];
  std::complex<double> input[kRadix];
  for (int k = 0; k < kRadix; ++k) {
    v[k] = plain[k] = {static_cast<float>(k * 37 % 11) - 5, static_cast<float>(k * 53 % 13) - 6};
    input[k] = {static_cast<double>(v[k].re), static_cast<double>(v[k].im)};
  }
  const Complex w{0.6f, 0.8f};
  transform<kRadix, kInverse, true>(v, w);
  transform<kRadix, kInverse, false>(plain, {});
  for (int p = 0; p < kRadix; ++p) {
    std::complex<double> twisted, expected;
    for (int k = 0; k < kRadix; ++k) {
      const auto root = std::polar(1.0, (kInverse ? 2 : -2) * M_PI * k * p / kRadix);
      expected += input[k] * root;
      twisted += input[k] * std::pow(std::complex<double>(0.6, 0.8), k) * root;
    }
    EXPECT_NEAR(plain[p].re, expected.real(), 2e-5);
    EXPECT_NEAR(plain[p].im, expected.imag(), 2e-5);
    EXPECT_NEAR(v[p].re, twisted.real(), 2e-5);
    EXPECT_NEAR(v[p].im, twisted.imag(), 2e-5);
  }
}

TEST(Butterfly, EqualsTheSumItStandsFor) {
  [&]<int... kRadices>(std::integer_sequence<int, kRadices...>) {
    (expect_transform<kRadices + 2, false>(), ...);
    (expect_transform<kRadices + 2, true>(), ...);
  }
  (std::make_integer_sequence<int, 15>());
}

TEST(EmulatedBlock, FindsAMissingBarrierAndTheWrongKindOfOne) {
  // Every thread writes a word, then reads that of a neighbour: in its own warp or in another.
  enum class Barrier { none, of_warps, of_block };
  const auto exchange = [](int neighbour, Barrier barrier) {
    EmulatedBlock block(64);
    SharedMemory memory(block, 64);
    const auto words = memory.at<float>(0);
    block.each([&](int thread) { words[thread] = 1; });
    if (barrier == Barrier::of_warps) block.sync_warps();
    if (barrier == Barrier::of_block) block.sync();
    block.each([&](int thread) { (void)static_cast<float>(words[thread ^ neighbour]); });
    block.sync();
    (void)static_cast<float>(words[0]);
  };
  EXPECT_THROW(exchange(1, Barrier::none), std::logic_error);
  EXPECT_NO_THROW(exchange(1, Barrier::of_warps));
  EXPECT_THROW(exchange(32, Barrier::of_warps), std::logic_error);
  EXPECT_NO_THROW(exchange(32, Barrier::of_block));
}

TEST(EmulatedBlock, FindsAWriteUnderTheEyesOfAReader) {
  EmulatedBlock block(64);
  SharedMemory memory(block, 1);
  const auto words = memory.at<float>(0);
  (void)static_cast<float>(words[0]);  // by all threads
  EXPECT_THROW(block.each([&](int thread) {
    if (thread == 0) words[0] = 2;
  }),
               std::logic_error);
}

TEST(Reduce, CombinesTheValuesOfAllThreadsWithoutARace) {
  for (const int threads : {32, 64, 256, 1024}) {
    EmulatedBlock block(threads);
    SharedMemory memory(block, static_cast<std::size_t>(2 * threads));
    for (int turn = 0; turn < 2; ++turn) {
      const auto sums = reduce<Add, 2>(block, memory.at<float>(0), [](int thread) {
        return Values<2>{{static_cast<float>(thread), 1}};
      });
      EXPECT_EQ(sums.value[0], static_cast<float>(threads * (threads - 1) / 2));
      EXPECT_EQ(sums.value[1], static_cast<float>(threads));
      block.sync();
      const auto largest = reduce<Larger, 1>(block, memory.at<float>(0), [](int thread) {
        return Values<1>{{static_cast<float>(thread * 7 % 31)}};
      });
      EXPECT_EQ(largest.value[0], 30);
      block.sync();
    }
  }
}

}  // namespace
}  // namespace flashphase::device
