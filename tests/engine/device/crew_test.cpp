#include "engine/device/crew.h"

#include <gmock/gmock.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace flashphase {
namespace {

TEST(Crew, DoesEveryItemOnce) {
  for (const int cores : {1, 2, 8})
    for (const int count : {0, 1, 2, 100}) {
      Crew crew(cores);
      const Crew::Place place(crew);
      std::vector<std::atomic<int>> done(static_cast<std::size_t>(count));
      crew.run(count, [&](int i) { ++done[static_cast<std::size_t>(i)]; });
      for (const auto& times : done) EXPECT_EQ(times, 1);
      EXPECT_EQ(crew.free(), cores - 1);
    }
}

TEST(Crew, WorksOnAllCores) {
  Crew crew(3);
  const Crew::Place place(crew);
  std::barrier all_here(3);  // never opens where fewer come
  crew.run(3, [&](int) { all_here.arrive_and_wait(); });
}

TEST(Crew, WorksOnNoMoreThanAreFree) {
  Crew crew(3);
  const Crew::Place mine(crew), of_another(crew);
  std::atomic<int> at_work = 0, most = 0;
  crew.run(200, [&](int) {
    const int now = ++at_work;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    std::this_thread::yield();
    --at_work;
  });
  EXPECT_LE(most, 2);
}

TEST(Crew, TakesACoreThatBecomesFreeMeanwhile) {
  Crew crew(2);
  const Crew::Place mine(crew);
  std::optional<Crew::Place> of_another(crew);
  std::barrier both(2);  // never opens where no helper comes
  crew.run(3, [&](int i) {
    if (i == 0)
      of_another.reset();
    else
      both.arrive_and_wait();
  });
}

TEST(Crew, LeavesACoreThatAnotherTakes) {
  Crew crew(2);
  const Crew::Place mine(crew);
  const auto caller = std::this_thread::get_id();
  std::optional<Crew::Place> of_another;
  std::barrier both(2);
  std::set<std::thread::id> later;
  crew.run(10, [&](int i) {
    if (i == 0) of_another.emplace(crew);
    if (i < 2)
      both.arrive_and_wait();
    else
      later.insert(std::this_thread::get_id());  // on one thread alone, or ThreadSanitizer says so
  });
  EXPECT_EQ(later, std::set{caller});
  of_another.reset();
  EXPECT_EQ(crew.free(), 1);
}

TEST(Crew, SharesOutWorkWithinWork) {
  Crew crew(4);
  const Crew::Place place(crew);
  std::atomic<int> sum = 0;
  crew.run(5, [&](int i) { crew.run(20, [&](int k) { sum += 100 * i + k; }); });
  EXPECT_EQ(sum, 20 * 100 * 10 + 5 * 190);
  EXPECT_EQ(crew.free(), 3);
}

TEST(Crew, ServesSeveralCallersAtOnce) {
  Crew crew(3);
  std::atomic<int> sum = 0;
  {
    std::vector<std::jthread> callers;
    for (int caller = 0; caller < 5; ++caller)
      callers.emplace_back([&] {
        const Crew::Place place(crew);
        for (int again = 0; again < 20; ++again) crew.run(30, [&](int) { ++sum; });
      });
  }
  EXPECT_EQ(sum, 5 * 20 * 30);
  EXPECT_EQ(crew.free(), 3);
}

TEST(Crew, PassesOnOnceWhatAHelperThrows) {
  Crew crew(2);
  const Crew::Place place(crew);
  const auto caller = std::this_thread::get_id();
  std::barrier both(2);
  std::atomic<int> begun = 0;
  EXPECT_THROW(crew.run(1000000,
                        [&](int i) {
                          ++begun;
                          if (i < 2) both.arrive_and_wait();
                          if (std::this_thread::get_id() != caller) throw std::bad_alloc();
                          while (i > 0 && crew.free() < 1) std::this_thread::yield();  // until it is gone
                        }),
               std::bad_alloc);
  EXPECT_LE(begun, 3);
  int done = 0;
  crew.run(1, [&](int) { ++done; });
  EXPECT_EQ(done, 1) << "it goes on after a failure";
  EXPECT_EQ(crew.free(), 1);
}

TEST(Crew, PassesOnOneOfSeveralFailures) {
  for (const int cores : {1, 4}) {
    Crew crew(cores);
    const Crew::Place place(crew);
    std::barrier all_here(cores);
    EXPECT_THROW(crew.run(1000,
                          [&](int) {
                            all_here.arrive_and_wait();
                            throw std::invalid_argument("no");
                          }),
                 std::invalid_argument);
    EXPECT_EQ(crew.free(), cores - 1);
  }
}

TEST(Crew, PassesOnWhatIsThrownFarInside) {
  Crew crew(3);
  const Crew::Place place(crew);
  EXPECT_THROW(crew.run(4,
                        [&](int i) {
                          crew.run(4, [&](int k) {
                            if (i == 2 && k == 3) throw std::bad_alloc();
                          });
                        }),
               std::bad_alloc);
  EXPECT_EQ(crew.free(), 2);
}

/// What the scheduler knows of a thread.
struct Standing {
  int nice = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
  std::string name = [] {
    std::array<char, 16> text{};
    pthread_getname_np(pthread_self(), text.data(), text.size());
    return std::string(text.data());
  }();

  auto operator<=>(const Standing&) const = default;
};

TEST(Crew, GivesHelpersTheNiceValueAndTheNameOfTheirCaller) {
  Crew crew(2);
  std::set<Standing> standings;
  std::jthread([&] {
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 10);
    pthread_setname_np(pthread_self(), "refine");
    const Crew::Place place(crew);
    std::barrier both(2);
    std::mutex mutex;
    crew.run(2, [&](int) {
      both.arrive_and_wait();
      const std::lock_guard lock(mutex);
      standings.insert(Standing());
    });
    standings.insert(Standing());
  }).join();
  ASSERT_EQ(standings.size(), 1u);
  EXPECT_EQ(standings.begin()->nice, 10);
  EXPECT_EQ(standings.begin()->name, "refine");
}

}  // namespace
}  // namespace flashphase
