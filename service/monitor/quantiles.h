#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "engine/frame/frame.h"

namespace flashphase::service {

/// Quantiles of a positive quantity over the recent past, from a histogram with 16 buckets per factor of two
/// between 2^-24 (6e-8) and 2^16 (65536): within 3 % of the true value. The past is the current window and
/// the one before; a window ends with the first value that comes later than `window` after its first.
/// Thread-safe. No allocation.
class Quantiles {
 public:
  struct Summary {
    std::uint64_t count = 0;
    double p50 = 0, p90 = 0, p99 = 0, max = 0;  ///< 0 while there are none
  };

  explicit Quantiles(Clock::duration window = std::chrono::minutes(1)) : window_(window) {}
  void add(double value, Clock::time_point now);
  Summary summary() const;

 private:
  static constexpr int kPerOctave = 16, kLowest = -24, kHighest = 16;
  static constexpr std::size_t kBuckets = (kHighest - kLowest) * kPerOctave;
  struct Window {
    std::array<std::uint32_t, kBuckets> counts{};
    std::uint64_t count = 0;
    double max = 0;
  };

  const Clock::duration window_;
  mutable std::mutex mutex_;
  std::array<Window, 2> windows_;  // guarded by mutex_, as the rest; [0] is the current one
  Clock::time_point ends_{};
};

/// Events per second over the last two seconds that are complete. Thread-safe.
class Rate {
 public:
  void add(std::uint64_t count, Clock::time_point now);
  double per_second(Clock::time_point now) const;

 private:
  static constexpr std::int64_t kSlots = 10;
  static constexpr std::chrono::milliseconds kSlot{250};
  struct Slot {
    std::int64_t number = -1;
    std::uint64_t count = 0;
  };

  mutable std::mutex mutex_;
  std::array<Slot, kSlots> slots_;  // guarded by mutex_
};

}  // namespace flashphase::service
