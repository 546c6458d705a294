#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "service/publish/sink.h"

namespace flashphase::publish {

/// Keeps the newest result for whoever looks, and forgets the rest: a page that looks seldom sees the latest
/// frame. Thread-safe; the lock is held for the copy of two pointers.
class LiveView : public Sink {
 public:
  struct Latest {
    std::uint64_t number = 0;  ///< grows with every result; 0 = none yet
    std::shared_ptr<const Reconstruction> inferred;
    std::shared_ptr<const Reconstruction> refined;
  };

  Latest latest() const {
    std::lock_guard lock(mutex_);
    return latest_;
  }

  const std::string& name() const override { return name_; }

  bool take(const std::shared_ptr<const Reconstruction>& result) override {
    std::shared_ptr<const Reconstruction> replaced = result;  // freed after the lock
    std::lock_guard lock(mutex_);
    (result->stage == ResultStage::inferred ? latest_.inferred : latest_.refined).swap(replaced);
    ++latest_.number;
    return true;
  }
  void take(const RunEvent&) override {}
  void take(const Bye&) override {}

 private:
  const std::string name_ = "live_view";
  mutable std::mutex mutex_;
  Latest latest_;  // guarded by mutex_
};

}  // namespace flashphase::publish
