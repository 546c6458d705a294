#include "engine/refine/starts/network_starts.h"

#include <utility>

namespace flashphase::refine {

NetworkStarts::NetworkStarts(const NetworkStartsOptions& options, Network* viewer)
    : options_(options), views_(viewer != nullptr ? infer::views_of(viewer->info(), options.per_frame) : 1) {
  if (views_ > 1) view_.emplace(*viewer);
}

Starts NetworkStarts::operator()(const PatternBatch& patterns, const ObjectBatch& answers,
                                 std::vector<std::uint8_t> upper_limit) {
  Starts starts = starts_from(answers);
  if (!upper_limit.empty()) confine(starts, std::move(upper_limit));
  if (view_) add_registered_starts(starts, views_ - 1, (*view_)(patterns, views_));
  add_perturbed_starts(starts, options_.per_frame, options_.spread, options_.seed);
  starts.choosing.average = true;
  starts.choosing.like_first_start = true;
  return starts;
}

}  // namespace flashphase::refine
