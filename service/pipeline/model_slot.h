#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/infer/network.h"

namespace flashphase::service {

/// The networks that a pipeline runs, all of one model.
struct Networks {
  std::vector<std::unique_ptr<Network>> workers;  ///< one per infer worker
  /// One per refine worker, for further views of a pattern as starts; or none.
  std::vector<std::unique_ptr<Network>> viewers{};
};

/// Where workers take their network from, between two batches. Whoever uses a model keeps it alive: it is
/// gone when the last worker has come to the next one. Thread-safe.
class ModelSlot {
 public:
  struct Model {
    Networks networks;
    std::shared_ptr<const ModelInfo> info;  ///< of all of them
    std::string precision;
    std::uint64_t generation = 0;  ///< how many were in the slot before it
  };

  /// Throws std::invalid_argument when there is no worker's network.
  explicit ModelSlot(Networks first);

  std::shared_ptr<const Model> current() const;
  /// Of current(), without its lock.
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  /// From now on workers take these. Throws std::invalid_argument, and changes nothing, when there are not as
  /// many, or when they take or give images of another size: those who watch do not expect it.
  void replace(Networks next);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Model> current_;  // guarded by mutex_
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace flashphase::service
