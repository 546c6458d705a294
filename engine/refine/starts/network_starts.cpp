#include "engine/refine/starts/network_starts.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "engine/refine/starts/extent.h"

namespace flashphase::refine {

NetworkStarts::NetworkStarts(const NetworkStartsOptions& options, Network* viewer)
    : options_(options), views_(viewer != nullptr ? infer::views_of(viewer->info(), options.per_frame) : 1) {
  if (views_ > 1) view_.emplace(*viewer);
}

Starts NetworkStarts::operator()(const PatternBatch& patterns, const ObjectBatch& answers,
                                 std::vector<std::uint8_t> upper_limit) {
  Starts starts = starts_from(answers);
  starts.choosing.like_first_start = upper_limit.empty();  // what is given is where the object is
  if (upper_limit.size() == starts.object.size())
    for (std::size_t i = 0; i < upper_limit.size(); ++i)
      if (!upper_limit[i]) starts.object[i] = 0;
  stay_within_extent(patterns, answers, upper_limit);
  confine(starts, std::move(upper_limit));
  if (view_) add_registered_starts(starts, views_ - 1, (*view_)(patterns, views_));
  add_perturbed_starts(starts, options_.per_frame, options_.spread, options_.seed);
  starts.choosing.average = Averaging::automatic;
  return starts;
}

void NetworkStarts::stay_within_extent(const PatternBatch& patterns, const ObjectBatch& answers,
                                       std::vector<std::uint8_t>& upper_limit) {
  const int m = patterns.size, n = answers.size;
  const std::size_t cells = answers.object_cells();
  if (upper_limit.empty()) upper_limit.assign(answers.cells(), std::uint8_t{1});
  if (upper_limit.size() != answers.cells()) return;  // confine() says so
  if (!autocorrelation_ || autocorrelation_->size() != m) autocorrelation_.emplace(m);
  for (int frame = 0; frame < patterns.count; ++frame) {
    const auto answer = answers.object_of(frame);
    const auto pattern = filled(patterns.intensity_of(frame), patterns.measured_of(frame), m, answer, n);
    const auto extent = placed_on(answer, extent_of(pattern, n, *autocorrelation_).mask, n);
    const std::span limit = std::span(upper_limit).subspan(static_cast<std::size_t>(frame) * cells, cells);
    std::vector<std::uint8_t> both(limit.begin(), limit.end());
    for (std::size_t i = 0; i < cells; ++i) both[i] = limit[i] && extent[i];
    if (std::ranges::find(both, std::uint8_t{1}) != both.end()) std::ranges::copy(both, limit.begin());
  }
}

}  // namespace flashphase::refine
