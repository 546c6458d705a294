#include "engine/refine/cpu/lanes.h"

#include <algorithm>
#include <utility>

namespace flashphase::refine::cpu {

Lanes::Lease::~Lease() {
  const std::lock_guard lock(lanes_.mutex_);
  lanes_.idle_.push_back(std::move(lane_));  // within what take_idle() reserved
}

std::uint64_t Lanes::new_ticket() {
  const std::lock_guard lock(mutex_);
  return ++tickets_;
}

Lanes::Lease Lanes::lease(int m, int n, std::uint64_t ticket) {
  std::unique_ptr<Lane> lane = take_idle(m, n, ticket);
  if (lane && lane->fits(m, n)) return {*this, std::move(lane)};
  lane.reset();  // its memory first
  try {
    return {*this, std::make_unique<Lane>(m, n)};
  } catch (...) {
    const std::lock_guard lock(mutex_);
    --made_;
    throw;
  }
}

/// One that fits, or one whose place a new one takes; null where all are at work.
std::unique_ptr<Lane> Lanes::take_idle(int m, int n, std::uint64_t ticket) {
  const std::lock_guard lock(mutex_);
  auto found = std::ranges::find_if(idle_, [&](const auto& lane) { return lane->ticket() == ticket; });
  if (found == idle_.end())
    found = std::ranges::find_if(idle_, [&](const auto& lane) { return lane->fits(m, n); });
  if (found == idle_.end() && !idle_.empty()) found = idle_.end() - 1;
  if (found == idle_.end()) {
    idle_.reserve(made_ + 1);
    ++made_;
    return nullptr;
  }
  std::swap(*found, idle_.back());
  std::unique_ptr<Lane> lane = std::move(idle_.back());
  idle_.pop_back();
  return lane;
}

}  // namespace flashphase::refine::cpu
