#include <gmock/gmock.h>

#include <limits>
#include <map>
#include <random>

#include "engine/device/cuda_devices.h"
#include "engine/device/device_lost.h"
#include "engine/refine/cuda/shrink_wrap.h"
#include "engine/refine/cuda/solver.h"
#include "engine/refine/loop/algorithms.h"
#include "engine/refine/loop/support_update.h"
#include "tests/engine/device/block_emulator.h"
#include "tests/engine/refine/cuda/emulated_runner.h"
#include "tests/engine/refine/particle.h"

namespace flashphase::refine::cuda {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

void solve_emulated(int n, const char* schedule, const EmulatedOptions& options) {
  const Particle particle(n);
  Starts starts = particle.starts();
  starts.upper_limit.assign(starts.support.size(), 1);
  for (std::size_t i = 0; i < starts.upper_limit.size(); i += 7) starts.upper_limit[i] = 0;
  Refined refined;
  make_runner_solver(make_emulated_fused_runner(options), std::chrono::minutes(10))
      ->solve(particle.pattern(2 * n), starts, parse_schedule(schedule), refined);
}

/// One of all that a block may do.
constexpr const char* kPlain = "HIO+ER+2*AER+SW(from=0,every=2,area=0.3,grow=1,sigma=1)+STOP(after=9)";
constexpr const char* kGeneral = "DM+OSS+RAAR(positive)+ER+SW(from=2,every=1,sigma=1)+MOD(confidence=1)";

TEST(Pixels, OfAcceleratedErBeginWhateverWasThereBefore) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Complex last{nan, nan};
  const Complex g = accelerated(Update{}, {3, 4}, last, true, 0);
  EXPECT_EQ(g.re, 3);
  EXPECT_EQ(g.im, 4);
  EXPECT_EQ(last.re, 3);
}

TEST(FusedKernel, HasNoRaceInAnythingItDoes) {
  for (const int n : {16, 32, 40, 48, 49, 50, 56, 60, 64}) {
    for (const char* schedule : {kPlain, kGeneral}) {
      EXPECT_NO_THROW(solve_emulated(n, schedule, {.finds_races = true})) << n << ' ' << schedule;
    }
  }
}

TEST(FusedKernel, NeedsEveryBarrierItHas) {
  // Some are only needed after some of the ways that lead to them.
  std::map<std::string, bool> needed;
  for (const char* schedule : {"2*HIO+ER+SW(from=1,every=1,area=0.3,grow=2,sigma=1)", "DM+STOP(after=1)"}) {
    std::vector<std::string> barriers;
    solve_emulated(16, schedule, {.finds_races = true, .barriers = &barriers});
    ASSERT_GT(barriers.size(), 30u);
    for (int dropped = 0; dropped < static_cast<int>(barriers.size()); ++dropped) {
      bool races = false;
      try {
        solve_emulated(16, schedule, {.finds_races = true, .dropped_barrier = dropped});
      } catch (const std::logic_error&) {
        races = true;
      }
      needed[barriers[static_cast<std::size_t>(dropped)]] |= races;
    }
  }
  EXPECT_GT(needed.size(), 15u);
  for (const auto& [place, is] : needed) EXPECT_TRUE(is) << "the barrier at " << place << " is not needed";
}

TEST(FusedKernel, SaysWhichSizesItHas) {
  EXPECT_THAT([] { solve_emulated(8, "ER", {}); },
              ThrowsMessage<std::invalid_argument>(
                  HasSubstr("32, 64, 80, 96, 98, 100, 112, 120, 128 pixels, not 16")));
}

TEST(FusedKernel, SaysWhatItIsMadeOf) {
  const auto solver = make_runner_solver(make_emulated_fused_runner(), std::chrono::minutes(1));
  EXPECT_EQ(solver->kernel_name(96), "fused radix 8x12");
  EXPECT_THROW((void)solver->kernel_name(106), std::invalid_argument);
}

TEST(FusedKernel, LooksAtTheClock) {
  // The emulated clock goes on by a millisecond a look, and a start looks every 16 iterations.
  const Particle particle(16);
  Refined refined;
  make_runner_solver(make_emulated_fused_runner(), std::chrono::milliseconds(5))
      ->solve(particle.pattern(32), particle.starts(), parse_schedule("1000*ER"), refined);
  EXPECT_EQ(refined.iterations[0], 64);
}

class ShrinkWrapBody : public testing::Test {
 protected:
  static constexpr int kN = 20;

  explicit ShrinkWrapBody() : re_(kN * kN), im_(kN * kN), limit_(kN * kN, 1) {
    std::mt19937 random(3);
    for (int i = 0; i < kN * kN; ++i) {
      const int y = i / kN - 9, x = i % kN - 11;
      const float height = std::max(0.0f, 1 - 0.015f * static_cast<float>(y * y + 2 * x * x));
      re_[static_cast<std::size_t>(i)] = height * static_cast<float>(random() % 1000) / 1000;
      im_[static_cast<std::size_t>(i)] = height * static_cast<float>(random() % 1000) / 1000;
    }
  }

  /// The support by the kernel's body, and by SupportUpdate.
  void compare(ShrinkWrap rule, float sigma, bool limited = false) {
    rule.sigma_start = rule.sigma_end = sigma;
    compare_at(0, rule, limited);
  }
  void compare_at(float part, const ShrinkWrap& rule, bool limited = false) {
    EmulatedBlock block(64);
    SharedMemory memory(block, 3 * kN * kN);
    const auto plane = memory.at<float>(0), weights = memory.at<float>(2 * kN * kN),
               scratch = memory.at<float>(2 * kN * kN + kN + 1);
    std::vector<float> expected(kN * kN, 1);
    SupportUpdate reference(kN);
    if (limited) reference.stay_inside(limit_);
    reference(re_.data(), im_.data(), kN, part, rule, expected.data());
    block.each([&](int thread) {
      for (int i = thread; i < kN * kN; i += block.threads())
        plane[i] = std::hypot(re_[static_cast<std::size_t>(i)], im_[static_cast<std::size_t>(i)]);
    });
    const bool any = shrink_wrap(block, rule, part, kN, limited ? limit_.data() : nullptr, plane,
                                 plane + kN * kN, weights, scratch);
    for (int i = 0; i < kN * kN; ++i)
      EXPECT_EQ(any ? float(plane[i]) : 1.0f, expected[static_cast<std::size_t>(i)]) << i;
  }

  std::vector<float> re_, im_;
  std::vector<std::uint8_t> limit_;
};

TEST_F(ShrinkWrapBody, GivesTheSupportThatSupportUpdateGives) {
  compare({}, 2);
  compare({.threshold = 0.2f, .grow = 0}, 0.6f);
  compare({.threshold = 0.1f, .grow = 4}, 0);
  compare({.threshold = 0.5f}, 30);
}

TEST_F(ShrinkWrapBody, KeepsTheBrightestOfTheAreaAskedFor) {
  for (const float area : {0.001f, 0.1f, 0.25f, 0.9f, 1.0f})
    compare({.area_start = area, .area_end = area, .grow = 0}, 0.8f);
  // Most of the square is exactly zero: the area asked for cannot be had.
  compare({.area_start = 0.95f, .area_end = 0.95f, .grow = 0}, 0);
  std::ranges::fill(re_, 0.25f);
  compare({.area_start = 0.5f, .area_end = 0.5f, .grow = 0}, 0);
}

TEST_F(ShrinkWrapBody, BlursAndKeepsAnAreaAsFarAsItsWayIsDone) {
  const ShrinkWrap rule{.sigma_start = 3, .sigma_end = 0.7f, .area_start = 0.6f, .area_end = 0.1f, .grow = 0};
  for (const float part : {0.0f, 0.3f, 1.0f}) compare_at(part, rule);
}

TEST_F(ShrinkWrapBody, StaysInsideAnUpperLimit) {
  for (std::size_t i = 0; i < limit_.size(); i += 3) limit_[i] = 0;
  compare({}, 1, true);
  compare({.area_start = 0.3f, .area_end = 0.3f, .grow = 2}, 1, true);
}

TEST_F(ShrinkWrapBody, LeavesTheSupportAloneWhereThereIsNothing) {
  std::ranges::fill(re_, 0.0f);
  std::ranges::fill(im_, 0.0f);
  compare({}, 1);
  re_[50] = std::numeric_limits<float>::infinity();
  compare({}, 1);
}

TEST(FlatSchedule, FollowsTheRulesOfTheCpuSolver) {
  for (const int total : {1, 7, 100}) {
    for (int done = 0; done < total; ++done)
      EXPECT_EQ(smooth_width(done, total, 64), oss_width(done, total, 64));
  }
  EXPECT_TRUE(FlatSchedule(parse_schedule("random"), std::chrono::hours(1)).is_plain());
  for (const char* general : {"DM", "OSS", "RRR", "ER(positive)", "HIO(real)", "ER+MOD(confidence=1)"})
    EXPECT_FALSE(FlatSchedule(parse_schedule(general), std::chrono::hours(1)).is_plain()) << general;
  EXPECT_EQ(FlatSchedule(parse_schedule("ER"), std::chrono::hours(100000)).program.time_limit_ms,
            7 * 24 * 3600 * 1000);
}

TEST(CudaSolver, SaysInOneSentenceWhyThereIsNone) {
  const std::string problem = cuda_devices().problem;
  if (problem.empty()) GTEST_SKIP() << "there is one";
  EXPECT_THAT([] { make_cuda_solver(); }, ThrowsMessage<DeviceUnusable>(problem));
}

}  // namespace
}  // namespace flashphase::refine::cuda
