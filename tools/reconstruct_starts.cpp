#include "tools/reconstruct_starts.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace flashphase::tools {
namespace {

/// Frame 0 has the seed itself; the odd constant keeps the others apart (Weyl sequence).
std::uint64_t seed_of(std::uint64_t seed, int frame) {
  return seed + 0x9e3779b97f4a7c15u * static_cast<std::uint64_t>(frame);
}

PatternBatch one_of(const PatternBatch& patterns, int index) {
  PatternBatch one(1, patterns.size);
  std::ranges::copy(patterns.intensity_of(index), one.intensity.begin());
  std::ranges::copy(patterns.measured_of(index), one.measured.begin());
  return one;
}

ObjectBatch one_of(const ObjectBatch& objects, int index) {
  ObjectBatch one(1, objects.size);
  std::ranges::copy(objects.object_of(index), one.object.begin());
  std::ranges::copy(objects.support_of(index), one.support.begin());
  return one;
}

template <class T>
void append(std::vector<T>& all, const std::vector<T>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

StartMaker::StartMaker(const StartOptions& options, Network* network, std::optional<SupportFile> upper_limit)
    : options_(options), network_(network), upper_limit_(std::move(upper_limit)) {
  if (network_ == nullptr) return;
  views_ = infer::views_of(network_->info(), options_.per_frame);
  view_.emplace(*network_);
}

refine::Starts StartMaker::of_frame(const PatternBatch& pattern, const ObjectBatch& answer,
                                    std::span<const std::complex<float>> others, int frame) const {
  refine::Starts starts = network_ != nullptr ? refine::starts_from(answer)
                                              : refine::random_starts(pattern, pattern.size / 2, 0, 0);
  if (upper_limit_) {
    const auto limit = upper_limit_->of(frame);
    refine::confine(starts, {limit.begin(), limit.end()});
  }
  const std::uint64_t seed = seed_of(options_.seed, frame);
  if (network_ != nullptr) {
    refine::add_registered_starts(starts, views_ - 1, others);
    refine::add_perturbed_starts(starts, options_.per_frame, options_.spread, seed);
  } else {
    refine::add_random_starts(starts, options_.per_frame, seed);
  }
  return starts;
}

refine::Starts StartMaker::operator()(const PatternBatch& patterns, std::span<const int> frames) {
  std::span<const std::complex<float>> others;
  if (network_ != nullptr) {
    network_->infer(patterns, first_);
    if (views_ > 1) others = (*view_)(patterns, views_);
  }
  const std::size_t others_each = others.size() / static_cast<std::size_t>(std::max(patterns.count, 1));
  refine::Starts all{options_.per_frame, patterns.size / 2, {}, {}};
  for (int i = 0; i < patterns.count; ++i) {
    const refine::Starts starts =
        of_frame(one_of(patterns, i), network_ != nullptr ? one_of(first_, i) : ObjectBatch(),
                 others.subspan(static_cast<std::size_t>(i) * others_each, others_each),
                 frames[static_cast<std::size_t>(i)]);
    all.size = starts.size;
    append(all.object, starts.object);
    append(all.support, starts.support);
    append(all.upper_limit, starts.upper_limit);
  }
  if (network_ == nullptr) {
    first_ = ObjectBatch(patterns.count, all.size);
    const std::size_t cells = first_.object_cells();
    for (int i = 0; i < patterns.count; ++i) {
      const std::size_t from = static_cast<std::size_t>(i * options_.per_frame) * cells;
      std::copy_n(all.object.data() + from, cells, first_.object_of(i).begin());
    }
    first_.support = all.support;
  }
  return all;
}

}  // namespace flashphase::tools
