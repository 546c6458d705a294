#include "tools/reconstruct_starts.h"

#include <algorithm>
#include <utility>

namespace flashphase::tools {

StartMaker::StartMaker(const refine::NetworkStartsOptions& options, Network* network,
                       std::optional<SupportFile> upper_limit)
    : options_(options),
      network_(network),
      from_network_(options, network),
      upper_limit_(std::move(upper_limit)) {}

std::vector<std::uint8_t> StartMaker::limits_of(std::span<const int> frames) const {
  std::vector<std::uint8_t> limits;
  if (!upper_limit_) return limits;
  for (const int frame : frames) {
    const auto limit = upper_limit_->of(frame);
    limits.insert(limits.end(), limit.begin(), limit.end());
  }
  return limits;
}

refine::Starts StartMaker::random(const PatternBatch& patterns, std::vector<std::uint8_t> upper_limit) {
  refine::Starts starts = refine::random_starts(patterns, patterns.size / 2, 0, 0);
  if (!upper_limit.empty()) refine::confine(starts, std::move(upper_limit));
  refine::add_random_starts(starts, options_.per_frame, options_.seed);
  first_ = ObjectBatch(patterns.count, starts.size);
  const std::size_t cells = first_.object_cells();
  const auto per_frame = static_cast<std::size_t>(options_.per_frame);
  for (int i = 0; i < patterns.count; ++i)
    std::copy_n(starts.object.data() + static_cast<std::size_t>(i) * per_frame * cells, cells,
                first_.object_of(i).begin());
  first_.support = starts.support;
  return starts;
}

refine::Starts StartMaker::operator()(const PatternBatch& patterns, std::span<const int> frames) {
  if (network_ == nullptr) return random(patterns, limits_of(frames));
  network_->infer(patterns, first_);
  return from_network_(patterns, first_, limits_of(frames));
}

}  // namespace flashphase::tools
