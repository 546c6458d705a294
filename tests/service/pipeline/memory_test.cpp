/// What happens where memory runs out at the worst moment: each allocation of each stage fails once.

#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "service/pipeline/pipeline.h"
#include "tests/service/pipeline/pipeline_fixture.h"

namespace {

/// The thread whose allocation fails, by name; which one, counted down.
std::atomic<const char*> g_victim{nullptr};
std::atomic<int> g_countdown{0};

bool fails_now() {
  const char* victim = g_victim.load(std::memory_order_relaxed);
  if (victim == nullptr) return false;
  std::array<char, 16> name{};
  (void)pthread_getname_np(pthread_self(), name.data(), name.size());
  return std::strcmp(name.data(), victim) == 0 && g_countdown.fetch_sub(1) == 1;
}

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  void* const memory = fails_now() ? nullptr : std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace flashphase::service {
namespace {

using testing_support::count;
using testing_support::FakeSolver;
using testing_support::PipelineTest;
using testing_support::some_frame;

using Solvers = std::vector<std::unique_ptr<refine::Solver>>;

Solvers fake_solver() {
  Solvers solvers;
  solvers.push_back(std::make_unique<FakeSolver>());
  return solvers;
}

/// Those of the CPU, whose helpers have the name of the refine workers.
Solvers many_cores() {
  return refine::make_cpu_solvers(2, {.cores = 4});
}

/// One pipeline with few frames, of which `victim` loses one allocation.
class OneRun : public PipelineTest {
 public:
  explicit OneRun(Solvers solvers) {
    stages.solvers = std::move(solvers);
    stages.schedule = refine::parse_schedule("2*HIO+2*ER");
  }
  ~OneRun() override { g_victim = nullptr; }

  /// Whether there was an allocation of that number.
  bool loses(const char* victim, int number) {
    config.refine_policy = RefinePolicy::all;
    config.refine_starts = 3;
    config.refine_queue = 2;
    config.ingest_queue = 4;
    source->add(ingest::RunBegin{"fake", 1, 8});
    source->add(ingest::Rejected{Rejection::bad_message});
    feed(8);
    source->add(some_frame(3));  // a duplicate
    source->add(ingest::RunEnd{"fake", 1, 8});
    source->add(ingest::SourceEnd{});
    g_countdown = number;
    g_victim = victim;
    build();
    while (pipeline->state() != State::failed && !pipeline->exhausted()) std::this_thread::yield();
    pipeline->stop();
    g_victim = nullptr;
    const Accounts accounts = metrics.accounts();
    EXPECT_TRUE(accounts.accounted()) << "allocation " << number << ": of " << accounts.received
                                      << " received, in flight " << accounts.in_flight();
    std::uint64_t refinements = accounts.refined;
    for (const std::uint64_t lost : accounts.refine_dropped) refinements += lost;
    EXPECT_EQ(refinements, asked_for(accounts)) << "allocation " << number;
    return g_countdown <= 0;
  }

 private:
  void TestBody() override {}

  /// Each result that left the infer worker is to be refined.
  static std::uint64_t asked_for(const Accounts& accounts) {
    return accounts.published + count(accounts, Stage::publish, DropReason::failed);
  }
};

/// More allocations than a thread makes for so few frames.
constexpr int kMost = 2000;

class MemoryTest : public testing::TestWithParam<const char*> {};

TEST_P(MemoryTest, EachAllocationMayFailAndEveryFrameIsAccountedFor) {
  int number = 1;
  while (number < kMost && OneRun(fake_solver()).loses(GetParam(), number)) ++number;
  EXPECT_GT(number, 5) << "hardly anything was tried";
  EXPECT_LT(number, kMost);
}

TEST(MemoryOfManyCores, EachAllocationOfRefinementOnManyCoresMayFailAndEveryFrameIsAccountedFor) {
  int number = 1;
  while (number < kMost && OneRun(many_cores()).loses("refine", number)) ++number;
  EXPECT_GT(number, 100) << "hardly anything was tried";
  EXPECT_LT(number, kMost);
}

INSTANTIATE_TEST_SUITE_P(Each, MemoryTest,
                         testing::Values("ingest", "preprocess", "infer", "refine", "publish"),
                         [](const auto& victim) { return std::string(victim.param); });

}  // namespace
}  // namespace flashphase::service
