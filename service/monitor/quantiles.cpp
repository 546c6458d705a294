#include "service/monitor/quantiles.h"

#include <algorithm>
#include <cmath>

namespace flashphase::service {

void Quantiles::add(double value, Clock::time_point now) {
  const double octaves = value > 0 ? std::log2(value) : kLowest;
  const double position =
      std::clamp((octaves - kLowest) * kPerOctave, 0.0, static_cast<double>(kBuckets - 1));
  std::lock_guard lock(mutex_);
  if (now >= ends_) {
    windows_[1] = windows_[0];
    windows_[0] = {};
    ends_ = now + window_;
  }
  ++windows_[0].counts[static_cast<std::size_t>(position)];
  ++windows_[0].count;
  windows_[0].max = std::max(windows_[0].max, value);
}

Quantiles::Summary Quantiles::summary() const {
  std::array<std::uint64_t, kBuckets> counts{};
  Summary result;
  {
    std::lock_guard lock(mutex_);
    for (const Window& window : windows_) {
      for (std::size_t i = 0; i < kBuckets; ++i) counts[i] += window.counts[i];
      result.count += window.count;
      result.max = std::max(result.max, window.max);
    }
  }
  const auto quantile = [&](double q) {
    std::uint64_t left = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(result.count)));
    for (std::size_t i = 0; i < kBuckets; ++i) {
      if (counts[i] >= left)
        return std::min(std::exp2(kLowest + (static_cast<double>(i) + 0.5) / kPerOctave), result.max);
      left -= counts[i];
    }
    return result.max;
  };
  if (result.count == 0) return result;
  result.p50 = quantile(0.50);
  result.p90 = quantile(0.90);
  result.p99 = quantile(0.99);
  return result;
}

void Rate::add(std::uint64_t count, Clock::time_point now) {
  const std::int64_t number = now.time_since_epoch() / kSlot;
  std::lock_guard lock(mutex_);
  Slot& slot = slots_[static_cast<std::size_t>(number % kSlots)];
  if (slot.number != number) slot = {number, 0};
  slot.count += count;
}

double Rate::per_second(Clock::time_point now) const {
  constexpr std::int64_t kComplete = kSlots - 2;
  const std::int64_t number = now.time_since_epoch() / kSlot;
  std::uint64_t count = 0;
  std::lock_guard lock(mutex_);
  for (const Slot& slot : slots_)
    if (slot.number < number && slot.number >= number - kComplete) count += slot.count;
  return static_cast<double>(count) / std::chrono::duration<double>(kComplete * kSlot).count();
}

}  // namespace flashphase::service
