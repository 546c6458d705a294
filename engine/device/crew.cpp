#include "engine/device/crew.h"

#include <exception>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

namespace flashphase {

/// The items of one run() and who works on them.
class Crew::Job {
 public:
  Job(Crew& crew, int count, const std::function<void(int)>& work)
      : crew_(crew), count_(count), work_(work) {}

  /// The caller's part: to the end.
  void lead() {
    for (auto item = take(); item; item = take()) {
      call_helpers();
      attempt(*item);
    }
    join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  struct Helper {
    std::atomic<bool> gone{false};
    std::jthread thread{};
  };

  std::optional<int> take() {
    const int item = next_++;
    return item < count_ ? std::optional(item) : std::nullopt;
  }

  void attempt(int item) {
    try {
      work_(item);
    } catch (...) {
      next_ = count_;
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }

  /// A helper's part: as long as its place is not wanted.
  void help() {
    for (auto item = take(); item; item = take()) {
      attempt(*item);
      if (crew_.give_up()) return;
    }
    ++crew_.free_;
  }

  void call_helpers() {
    helpers_.remove_if([](const Helper& helper) { return helper.gone.load(); });
    for (int left = count_ - next_; left > 0 && crew_.take_free(); --left) {
      try {
        Helper& helper = helpers_.emplace_back();
        helper.thread = std::jthread([this, &helper] {
          help();
          helper.gone = true;
        });
      } catch (const std::exception&) {  // no memory or thread for one; the work goes on without
        if (!helpers_.empty() && !helpers_.back().thread.joinable()) helpers_.pop_back();
        ++crew_.free_;
        return;
      }
    }
  }

  /// Others may have the caller's core while its helpers end.
  void join() {
    if (helpers_.empty()) return;
    ++crew_.free_;
    helpers_.clear();
    --crew_.free_;
  }

  Crew& crew_;
  const int count_;
  const std::function<void(int)>& work_;
  std::atomic<int> next_{0};
  std::list<Helper> helpers_;  ///< of the caller alone
  std::mutex mutex_;
  std::exception_ptr failure_;  ///< guarded by mutex_ until the helpers are gone
};

void Crew::run(int count, const std::function<void(int)>& work) {
  Job(*this, count, work).lead();
}

bool Crew::take_free() {
  int now = free_;
  while (now > 0)
    if (free_.compare_exchange_weak(now, now - 1)) return true;
  return false;
}

/// Leaves the place of a helper to whoever has taken one too many.
bool Crew::give_up() {
  int now = free_;
  while (now < 0)
    if (free_.compare_exchange_weak(now, now + 1)) return true;
  return false;
}

}  // namespace flashphase
