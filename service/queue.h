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

enum class WhenFull { block, drop_oldest };

/// The bounded edge between two threads. Any number of producers and consumers; first in, first out.
///
/// Nothing is lost in silence: an item that finds no room comes back from push(), so the caller says under
/// which stage and reason it counts. After close() nothing goes in, and what is inside can still be taken
/// out.
template <class T>
class Queue {
 public:
  Queue(std::size_t capacity, WhenFull when_full)
      : capacity_(std::max<std::size_t>(capacity, 1)), when_full_(when_full) {}
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  /// Puts `item` in. Returns nothing when nothing was lost; else the lost item, which is the caller's again:
  /// the oldest one (drop_oldest, full), or `item` itself (closed, or block and no room until `deadline`).
  /// Blocks only with WhenFull::block.
  [[nodiscard]] std::optional<T> push(T item, Clock::time_point deadline = Clock::time_point::max()) {
    std::optional<T> lost;
    {
      std::unique_lock lock(mutex_);
      if (when_full_ == WhenFull::block)
        wait(not_full_, lock, deadline, [this] { return closed_ || items_.size() < capacity_; });
      if (closed_ || (when_full_ == WhenFull::block && items_.size() >= capacity_)) {
        lost = std::move(item);
        ++lost_;
        return lost;
      }
      if (items_.size() >= capacity_) {
        lost = std::move(items_.front());
        items_.pop_front();
        ++lost_;
      }
      items_.push_back(std::move(item));
    }
    not_empty_.notify_one();
    return lost;
  }

  /// The oldest item; nothing when `deadline` passed or the queue is drained.
  std::optional<T> pop(Clock::time_point deadline = Clock::time_point::max()) {
    std::optional<T> item;
    {
      std::unique_lock lock(mutex_);
      wait(not_empty_, lock, deadline, [this] { return closed_ || !items_.empty(); });
      if (items_.empty()) return item;
      item = std::move(items_.front());
      items_.pop_front();
    }
    not_full_.notify_one();
    return item;
  }

  /// Waits like pop(), then appends up to `most` items to `out` in one go. Returns how many.
  std::size_t pop_some(std::vector<T>& out, std::size_t most,
                       Clock::time_point deadline = Clock::time_point::max()) {
    std::size_t count = 0;
    {
      std::unique_lock lock(mutex_);
      wait(not_empty_, lock, deadline, [this] { return closed_ || !items_.empty(); });
      for (; count < most && !items_.empty(); ++count) {
        out.push_back(std::move(items_.front()));
        items_.pop_front();
      }
    }
    if (count > 1) not_full_.notify_all();
    if (count == 1) not_full_.notify_one();
    return count;
  }

  /// Wakes everyone; idempotent.
  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    not_empty_.notify_all();
    not_full_.notify_all();
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

  const std::size_t capacity_;
  const WhenFull when_full_;
  mutable std::mutex mutex_;
  std::condition_variable not_empty_, not_full_;
  std::deque<T> items_;  // guarded by mutex_, as the rest
  std::uint64_t lost_ = 0;
  bool closed_ = false;
};

}  // namespace flashphase::service
