#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "service/publish/sink.h"

namespace flashphase::publish {

/// Keeps the newest result of each kind for whoever looks, and forgets the rest: a page that looks seldom
/// sees the latest frame, and never one before it.
///
/// Newer is, within one run of one source, the frame with the higher sequence number: frames overtake each
/// other where a stage has several workers. Between runs and sources it is the frame that arrived later, and
/// also within a run once they arrived a second apart: a sender that began anew under an old run number, or a
/// number gone wild, does not hold the view for ever.
///
/// Thread-safe; the lock is held for the copy of two pointers.
class LiveView : public Sink {
 public:
  struct Latest {
    std::uint64_t number = 0;  ///< grows with every change; 0 = none yet
    std::shared_ptr<const Reconstruction> inferred;
    std::shared_ptr<const Reconstruction> refined;  ///< of a frame of its own, often before that of inferred
  };

  Latest latest() const {
    std::lock_guard lock(mutex_);
    return latest_;
  }

  const std::string& name() const override { return name_; }

  bool take(const std::shared_ptr<const Reconstruction>& result) override {
    std::shared_ptr<const Reconstruction> replaced = result;  // freed after the lock
    std::lock_guard lock(mutex_);
    auto& shown = result->stage == ResultStage::inferred ? latest_.inferred : latest_.refined;
    if (shown && !newer(*result->pattern, *shown->pattern)) return true;
    shown.swap(replaced);
    ++latest_.number;
    return true;
  }
  bool take(const RunEvent&) override { return true; }
  using Sink::take;
  bool take(const Bye&) override { return true; }

 private:
  static bool newer(const Pattern& frame, const Pattern& shown) {
    constexpr std::chrono::seconds kOvertaking{1};
    const bool one_run = frame.id.run == shown.id.run && frame.id.source == shown.id.source;
    const auto apart = frame.arrival - shown.arrival;
    return one_run && std::chrono::abs(apart) <= kOvertaking ? frame.id.sequence >= shown.id.sequence
                                                             : apart >= apart.zero();
  }

  const std::string name_ = "live_view";
  mutable std::mutex mutex_;
  Latest latest_;  // guarded by mutex_
};

}  // namespace flashphase::publish
