#include "service/pipeline/refine_pool.h"

#include <algorithm>
#include <utility>

namespace flashphase::service {

RefinePool::RefinePool(std::size_t capacity) : capacity_(std::max<std::size_t>(capacity, 1)) {}

std::vector<RefineJob> RefinePool::push(RefineJob job) {
  std::vector<RefineJob> lost;
  lost.reserve(1);
  {
    const std::lock_guard lock(mutex_);
    if (closed_ && job.rounds == 0) {
      lost.push_back(std::move(job));
      return lost;
    }
    const float excess = job.effort ? job.effort->excess() : 0.0f;
    waiting_.emplace(Place{job.rounds, -excess, arrivals_++}, std::move(job));
    if (waiting_.size() > capacity_) lost.push_back(take(least()));
  }
  not_empty_.notify_one();
  return lost;
}

RefinePool::Waiting::iterator RefinePool::least() {
  const auto& [rounds, excess, arrival] = waiting_.rbegin()->first;
  return waiting_.lower_bound({rounds, excess, 0});
}

RefineJob RefinePool::take(Waiting::iterator at) {
  return std::move(waiting_.extract(at).mapped());
}

std::size_t RefinePool::pop_some(std::vector<RefineJob>& out, std::size_t most) {
  out.reserve(out.size() + most);  // so that what is taken out cannot be lost for want of memory
  std::unique_lock lock(mutex_);
  not_empty_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
  const std::size_t count = std::min(most, waiting_.size());
  for (std::size_t i = 0; i < count; ++i) out.push_back(take(waiting_.begin()));
  return count;
}

std::optional<RefineJob> RefinePool::pop() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  return take(waiting_.begin());
}

void RefinePool::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  not_empty_.notify_all();
}

bool RefinePool::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

std::size_t RefinePool::size() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

}  // namespace flashphase::service
