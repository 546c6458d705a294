#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "engine/frame/frame.h"

namespace flashphase::service {

/// What an item does that finds no room: it waits, or the oldest ones have to go.
enum class WhenFull { block, drop_oldest };

/// The bounded edge between two threads. Any number of producers and consumers; first in, first out.
///
/// Bounded in items, and where a weight is given (bytes) in the sum of their weights too; an item that is too
/// heavy by itself has the queue for itself. Nothing is lost in silence: what finds no room comes back from
/// push(), so the caller says under which stage and reason it counts. After close() nothing goes in, and what
/// is inside can still be taken out.
///
/// A fence (the begin or the end of a run) keeps its place among the items whoever takes them: a Consumer
/// gets it alone, once all that was taken before has been passed on, and nothing is taken until it is passed
/// on itself. It is never dropped for another.
template <class T>
class Queue {
 public:
  using Weigh = std::size_t (*)(const T&);
  using IsFence = bool (*)(const T&);

  /// `when_full`: for push() without it.
  Queue(std::size_t capacity, WhenFull when_full, std::size_t most_weight = 0, Weigh weigh = nullptr,
        IsFence is_fence = nullptr)
      : capacity_(std::max<std::size_t>(capacity, 1)),
        when_full_(when_full),
        most_weight_(most_weight),
        weigh_(weigh),
        is_fence_(is_fence) {}
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  /// Puts `item` in. Returns what was lost by that, which is the caller's again: the oldest ones
  /// (drop_oldest, full), but for fences and those that were put in with WhenFull::block, or `item` itself
  /// (closed, no room until `deadline`, or drop_oldest and only such ones in the way). Blocks only with
  /// WhenFull::block.
  /// Where memory for that cannot be had it throws, and `item` alone is lost.
  [[nodiscard]] std::vector<T> push(T item, Clock::time_point deadline = Clock::time_point::max()) {
    return push(std::move(item), when_full_, deadline);
  }
  [[nodiscard]] std::vector<T> push(T item, WhenFull when_full,
                                    Clock::time_point deadline = Clock::time_point::max()) {
    std::vector<T> lost;
    const std::size_t weight = weight_of(item);
    const bool kept = when_full == WhenFull::block || fence(item);
    {
      std::unique_lock lock(mutex_);
      const auto fits = [&] { return has_room(weight, items_.size(), weight_); };
      if (when_full == WhenFull::block) wait(not_full_, lock, deadline, [&] { return closed_ || fits(); });
      const auto in_the_way = fits() ? std::vector<std::size_t>() : oldest_in_the_way_of(weight);
      if (closed_ || (!fits() && (when_full == WhenFull::block || in_the_way.empty()))) {
        lost.push_back(std::move(item));
      } else {
        lost.reserve(in_the_way.size());
        items_.push_back({std::move(item), kept});
        weight_ += weight;
        for (const std::size_t index : in_the_way) lost.push_back(take(index - lost.size()));
      }
      lost_ += lost.size();
    }
    not_empty_.notify_one();
    return lost;
  }

  /// The oldest item, a fence or not; nothing when `deadline` passed or the queue is drained.
  std::optional<T> pop(Clock::time_point deadline = Clock::time_point::max()) {
    std::optional<T> item;
    {
      std::unique_lock lock(mutex_);
      wait(not_empty_, lock, deadline, [this] { return closed_ || !items_.empty(); });
      if (items_.empty()) return item;
      item = take(0);
    }
    wake_producers(1);
    return item;
  }

  /// One of the threads that take from the queue, and what it has taken and not yet passed on. Thread: one.
  class Consumer {
   public:
    explicit Consumer(Queue& queue) : queue_(queue) {}
    ~Consumer() { passed_on(held_); }
    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;

    /// Waits like pop(), then appends up to `most` items to `out` in one go, fewer when they are heavy: until
    /// a sixteenth of the bound is taken. With `sharers` threads that do the same no more than a fair share
    /// of what is there. A fence comes alone. Returns how many.
    std::size_t pop_some(std::vector<T>& out, std::size_t most,
                         Clock::time_point deadline = Clock::time_point::max(), std::size_t sharers = 1) {
      const std::size_t count = queue_.take_some(out, most, deadline, sharers);
      held_ += count;
      return count;
    }

    /// So many of what this one has taken are where they should go.
    void passed_on(std::size_t count) {
      held_ -= count;
      queue_.give_way(count);
    }

   private:
    Queue& queue_;
    std::size_t held_ = 0;
  };

  /// Wakes everyone; idempotent.
  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    not_empty_.notify_all();
    not_full_.notify_all();
  }

  bool closed() const {
    std::lock_guard lock(mutex_);
    return closed_;
  }

  /// Closed and empty: no item will ever come out again.
  bool drained() const {
    std::lock_guard lock(mutex_);
    return closed_ && items_.empty();
  }

  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return items_.size();
  }

  /// Of all items inside; 0 where no weight is given.
  std::size_t weight() const {
    std::lock_guard lock(mutex_);
    return weight_;
  }

  /// Items that push() gave back, since construction.
  std::uint64_t lost() const {
    std::lock_guard lock(mutex_);
    return lost_;
  }

  std::size_t capacity() const { return capacity_; }

 private:
  template <class Ready>
  static void wait(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
                   Clock::time_point deadline, Ready ready) {
    if (deadline == Clock::time_point::max())
      changed.wait(lock, ready);
    else
      changed.wait_until(lock, deadline, ready);
  }

  std::size_t take_some(std::vector<T>& out, std::size_t most, Clock::time_point deadline,
                        std::size_t sharers) {
    std::size_t count = 0;
    out.reserve(out.size() + most);  // so that what is taken out cannot be lost for want of memory
    {
      std::unique_lock lock(mutex_);
      const auto some = [this] { return !items_.empty() && !at_fence_ && !(fence_next() && taken_ > 0); };
      wait(not_empty_, lock, deadline, [&] { return some() || (closed_ && items_.empty()); });
      if (!some()) return 0;
      at_fence_ = fence_next();
      most = at_fence_ ? 1 : std::min(most, (items_.size() + sharers - 1) / sharers);
      const std::size_t before = weight_;
      do {
        out.push_back(take(0));
        ++count;
      } while (count < most && !items_.empty() && !fence_next() && before - weight_ <= most_weight_ / 16);
      taken_ += count;
    }
    wake_producers(count);
    return count;
  }

  void give_way(std::size_t count) {
    bool awaited = false;
    {
      std::lock_guard lock(mutex_);
      taken_ -= count;
      if (taken_ == 0 && is_fence_ != nullptr) {
        awaited = at_fence_ || (!items_.empty() && fence_next());
        at_fence_ = false;
      }
    }
    if (awaited) not_empty_.notify_all();
  }

  bool fence(const T& item) const { return is_fence_ != nullptr && is_fence_(item); }
  bool fence_next() const { return fence(items_.front().item); }

  std::size_t weight_of(const T& item) const { return weigh_ == nullptr ? 0 : weigh_(item); }

  /// Whether one of `weight` fits beside so many of `taken`.
  bool has_room(std::size_t weight, std::size_t count, std::size_t taken) const {
    return count < capacity_ && (count == 0 || weigh_ == nullptr || taken + weight <= most_weight_);
  }

  /// Which have to go, first to last, for one of `weight` to have room; none when too few may.
  std::vector<std::size_t> oldest_in_the_way_of(std::size_t weight) const {
    std::vector<std::size_t> indices;
    std::size_t left = weight_;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (items_[i].kept) continue;
      indices.push_back(i);
      left -= weight_of(items_[i].item);
      if (has_room(weight, items_.size() - indices.size(), left)) return indices;
    }
    return {};
  }

  T take(std::size_t index) {
    const auto at = items_.begin() + static_cast<std::ptrdiff_t>(index);
    T item = std::move(at->item);
    items_.erase(at);
    weight_ -= weight_of(item);
    return item;
  }

  /// One light item may take the place of a heavy one, or several of them.
  void wake_producers(std::size_t taken) {
    if (taken > 1 || weigh_ != nullptr)
      not_full_.notify_all();
    else
      not_full_.notify_one();
  }

  const std::size_t capacity_;
  const WhenFull when_full_;
  const std::size_t most_weight_;
  const Weigh weigh_;
  const IsFence is_fence_;
  mutable std::mutex mutex_;
  std::condition_variable not_empty_, not_full_;
  struct Entry {
    T item;
    bool kept;  // not dropped for another
  };
  std::deque<Entry> items_;  // guarded by mutex_, as the rest
  std::size_t weight_ = 0;
  std::size_t taken_ = 0;  // by consumers, and not yet passed on
  bool at_fence_ = false;  // it is among those
  std::uint64_t lost_ = 0;
  bool closed_ = false;
};

}  // namespace flashphase::service
