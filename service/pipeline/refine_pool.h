#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>
#include <vector>

#include "service/pipeline/stages.h"

namespace flashphase::service {

/// The frames that wait for refinement, bounded. Any number of threads on both sides.
///
/// First comes what has had the fewest rounds, since those cost least and gain most; of these what its
/// photons explain least (Effort::excess); of these the oldest. One that can never be explained so holds up
/// no other. Where a frame finds no room the one goes that has had the most rounds; of these the one
/// explained best; of these the oldest. Frames that are done after one call (no effort) all count as alike:
/// first in, first out, the oldest goes.
class RefinePool {
 public:
  explicit RefinePool(std::size_t capacity);
  RefinePool(const RefinePool&) = delete;
  RefinePool& operator=(const RefinePool&) = delete;

  /// Puts `job` in. Returns what was lost by that, which is the caller's again: `job` itself when closed,
  /// unless it has been in before; or the one that goes for want of room, which may be `job` too. Where
  /// memory for that cannot be had it throws, and `job` alone is lost.
  [[nodiscard]] std::vector<RefineJob> push(RefineJob job);

  /// Waits for a job, then appends up to `most` to `out`. Returns how many: 0 once it is closed and empty.
  std::size_t pop_some(std::vector<RefineJob>& out, std::size_t most);
  /// Without waiting.
  std::optional<RefineJob> pop();

  /// From now on nothing new goes in, and pop_some() waits no more. Idempotent.
  void close();
  bool closed() const;
  std::size_t size() const;

 private:
  /// Rounds, minus the excess, arrival: the smallest comes first.
  using Place = std::tuple<int, float, std::uint64_t>;
  using Waiting = std::map<Place, RefineJob>;

  Waiting::iterator least();  // precondition: not empty
  RefineJob take(Waiting::iterator at);

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable not_empty_;
  Waiting waiting_;  // guarded by mutex_, as the rest
  std::uint64_t arrivals_ = 0;
  bool closed_ = false;
};

}  // namespace flashphase::service
