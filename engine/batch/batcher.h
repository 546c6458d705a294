#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "engine/frame/frame.h"

namespace flashphase::batch {

/// Collects items until `size` are there or the oldest has waited `deadline`. Pure logic: the caller passes
/// the time. Thread: one.
template <class T>
class Batcher {
 public:
  Batcher(std::size_t size, Clock::duration deadline) : size_(size), deadline_(deadline) {}

  /// Takes one item; returns the full batch when this one completed it.
  std::optional<std::vector<T>> add(T item, Clock::time_point now) {
    if (items_.empty()) due_ = now + deadline_;
    items_.push_back(std::move(item));
    if (items_.size() >= size_) return take();
    return std::nullopt;
  }

  /// Returns what is there once the oldest item's deadline has passed.
  std::optional<std::vector<T>> poll(Clock::time_point now) {
    if (items_.empty() || now < due_) return std::nullopt;
    return take();
  }

  /// When poll() will next return a batch; nothing while empty.
  std::optional<Clock::time_point> due() const {
    if (items_.empty()) return std::nullopt;
    return due_;
  }

  /// What is there, perhaps nothing; for draining.
  std::vector<T> take() {
    std::vector<T> batch;
    batch.reserve(size_);
    batch.swap(items_);
    return batch;
  }

 private:
  std::size_t size_;
  Clock::duration deadline_;
  Clock::time_point due_{};
  std::vector<T> items_;
};

}  // namespace flashphase::batch
