#include "tools/programs/reconstruct_starts.h"

#include <algorithm>
#include <utility>

namespace flashphase::tools {

StartMaker::StartMaker(const refine::NetworkStartsOptions& options, Network* network)
    : options_(options), network_(network), from_network_(options, network) {}

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

refine::Starts StartMaker::operator()(const PatternBatch& patterns, std::vector<std::uint8_t> upper_limit) {
  if (network_ == nullptr) return random(patterns, std::move(upper_limit));
  network_->infer(patterns, first_);
  return from_network_(patterns, first_, std::move(upper_limit));
}

}  // namespace flashphase::tools
