#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/refine/cpu/lane.h"

namespace flashphase::refine::cpu {

/// The lanes of all solvers of a crew: as many as ever worked at once. Thread-safe.
class Lanes {
 public:
  /// A lane for one thread; it goes back by itself.
  class Lease {
   public:
    Lease(Lanes& lanes, std::unique_ptr<Lane> lane) : lanes_(lanes), lane_(std::move(lane)) {}
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Lane* operator->() const { return lane_.get(); }

   private:
    Lanes& lanes_;
    std::unique_ptr<Lane> lane_;
  };

  /// One that has this frame's pattern where such a one is idle, else any of this shape, else a new one in
  /// the place of an idle one of another shape. Throws std::bad_alloc.
  Lease lease(int m, int n, std::uint64_t ticket);

  /// A number that no frame had.
  std::uint64_t new_ticket();

 private:
  std::unique_ptr<Lane> take_idle(int m, int n, std::uint64_t ticket);

  std::mutex mutex_;
  std::vector<std::unique_ptr<Lane>> idle_;  ///< guarded by mutex_; has room for all that there are
  std::size_t made_ = 0;                     ///< guarded by mutex_
  std::uint64_t tickets_ = 0;                ///< guarded by mutex_
};

}  // namespace flashphase::refine::cpu
