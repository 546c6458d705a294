#include "tools/programs/reconstruct_worker.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <numbers>
#include <optional>
#include <span>
#include <utility>

#include "engine/frame/domain.h"
#include "engine/frame/pattern.h"
#include "engine/score/noise.h"
#include "engine/score/remarks.h"
#include "engine/score/resolution.h"
#include "engine/score/unwrap.h"

namespace flashphase::tools {
namespace {

template <class T>
void append(std::vector<T>& all, const std::vector<T>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

/// Frames [first, first + count) of what has as many values for each of `frames`.
template <class T>
std::vector<T> part_of(const std::vector<T>& all, int frames, int first, int count) {
  const std::size_t each = all.size() / static_cast<std::size_t>(frames);
  const auto from = all.begin() + static_cast<std::ptrdiff_t>(each) * first;
  return {from, from + static_cast<std::ptrdiff_t>(each) * count};
}

PatternBatch part_of(const PatternBatch& all, int first, int count) {
  PatternBatch part;
  part.count = count;
  part.size = all.size;
  part.intensity = part_of(all.intensity, all.count, first, count);
  part.measured = part_of(all.measured, all.count, first, count);
  return part;
}

ObjectBatch part_of(const ObjectBatch& all, int first, int count) {
  ObjectBatch part;
  part.count = count;
  part.size = all.size;
  part.object = part_of(all.object, all.count, first, count);
  part.support = part_of(all.support, all.count, first, count);
  part.residual = part_of(all.residual, all.count, first, count);
  return part;
}

refine::Starts part_of(const refine::Starts& all, int frames, int first, int count) {
  return {.per_frame = all.per_frame,
          .size = all.size,
          .object = part_of(all.object, frames, first, count),
          .support = part_of(all.support, frames, first, count),
          .choosing = all.choosing,
          .upper_limit = part_of(all.upper_limit, frames, first, count)};
}

std::uint8_t as_written(Outcome outcome) {
  switch (outcome) {
    case Outcome::explained:
      return kExplained;
    case Outcome::reproduced:
      return kReproduced;
    case Outcome::given_up:
      break;
  }
  return kGivenUp;
}

}  // namespace

ReconstructionWorker::ReconstructionWorker(const ReconstructionPlan& plan, int pattern_size,
                                           std::unique_ptr<Network> network,
                                           std::unique_ptr<refine::Solver> solver)
    : schedule_(plan.schedule),
      choosing_(plan.choosing),
      unwrap_(plan.unwrap),
      at_once_(plan.at_once),
      network_(std::move(network)),
      solver_(std::move(solver)),
      make_starts_(plan.starts, network_.get()),
      score_(pattern_size),
      autocorrelation_(pattern_size) {}

/// The network gets its whole batch in one call; random starts are made for the next frames alone, since many
/// take much memory.
ReconstructionResults ReconstructionWorker::operator()(const PatternBatch& patterns,
                                                       const std::vector<std::uint8_t>& upper_limit,
                                                       const GoesOn& goes_on) {
  ReconstructionResults results;
  std::optional<Begun> all;
  for (int first = 0, before = 0; goes_on(before) && first < patterns.count; first += before) {
    before = std::min(at_once_, patterns.count - first);
    const PatternBatch some = part_of(patterns, first, before);
    if (network_ == nullptr) {
      add(results, some, begin(some, part_of(upper_limit, patterns.count, first, before)));
      continue;
    }
    if (!all) all = begin(patterns, upper_limit);
    add(results, some,
        {part_of(all->starts, patterns.count, first, before), part_of(all->first, first, before)});
  }
  return results;
}

ReconstructionWorker::Begun ReconstructionWorker::begin(const PatternBatch& patterns,
                                                        std::vector<std::uint8_t> upper_limit) {
  Begun begun{make_starts_(patterns, std::move(upper_limit)), make_starts_.first_of_each()};
  score_(patterns, begun.first);
  begun.starts.choosing = choosing_;
  return begun;
}

void ReconstructionWorker::add(ReconstructionResults& results, const PatternBatch& patterns, Begun begun) {
  append(results.residual, begun.first.residual);
  ReconstructionResults more;
  if (schedule_.steps.empty()) {
    add_remarks(results, patterns, begun.first);
    more.objects = std::move(begun.first.object);
    more.support = std::move(begun.first.support);
  } else {
    solver_->solve(patterns, begun.starts, schedule_, refined_);
    add_remarks(results, patterns, refined_.objects);
    more.objects = refined_.objects.object;
    more.support = refined_.objects.support;
    append(results.refined_residual, refined_.objects.residual);
    append(results.agreement, refined_.agreement);
    more.prtf = refined_.prtf;
    append(results.free_log_likelihood, refined_.free_log_likelihood);
    if (!refined_.outcomes.empty()) append(results.iterations, refined_.iterations);
    std::ranges::transform(refined_.outcomes, std::back_inserter(results.explained), &as_written);
  }
  add_resolution(more, patterns.size / 2 + 1);
  if (unwrap_) add_unwrapped_phase(more, begun.first.size);
  append(results.objects, more.objects);
  append(results.support, more.support);
  append(results.prtf, more.prtf);
  append(results.resolution, more.resolution);
  append(results.unwrapped_phase, more.unwrapped_phase);
}

/// On the images that come out; without a network the domain is that of none.
void ReconstructionWorker::add_remarks(ReconstructionResults& results, const PatternBatch& patterns,
                                       const ObjectBatch& objects) {
  const Domain domain = network_ == nullptr ? Domain{} : network_->info().domain;
  for (int i = 0; i < patterns.count; ++i) {
    const auto intensity = patterns.intensity_of(i);
    const auto measured = patterns.measured_of(i);
    PatternSummary summary = summary_of(intensity, measured, patterns.size);
    summary.overflow = score::overflow(intensity, measured, autocorrelation_);
    Remarks remarks = domain.remarks_on(summary);
    remarks.add(score::remarks_on(intensity, measured, objects.support_of(i),
                                  objects.residual[static_cast<std::size_t>(i)],
                                  score::noise_residual(intensity, measured)));
    results.remarks.push_back(remarks);
  }
}

/// Where each PRTF [N, rings] falls below 1/e.
void ReconstructionWorker::add_resolution(ReconstructionResults& results, int rings) const {
  const std::vector<float> threshold(static_cast<std::size_t>(rings),
                                     static_cast<float>(1 / std::numbers::e));
  for (std::size_t at = 0; at < results.prtf.size(); at += threshold.size()) {
    const auto prtf = std::span(results.prtf).subspan(at, threshold.size());
    results.resolution.push_back(
        std::isnan(prtf[0]) ? prtf[0] : score::resolution(prtf, threshold, 2 * (rings - 1)).pixels);
  }
}

void ReconstructionWorker::add_unwrapped_phase(ReconstructionResults& results, int size) const {
  score::Unwrapper unwrapper(size, size);
  const std::size_t cells = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  results.unwrapped_phase.resize(results.objects.size());
  std::ranges::transform(results.objects, results.unwrapped_phase.begin(),
                         [](auto value) { return std::arg(value); });
  for (std::size_t at = 0; at < results.objects.size(); at += cells) {
    const auto phase = std::span(results.unwrapped_phase).subspan(at, cells);
    unwrapper(phase, std::span(results.support).subspan(at, cells), phase);
  }
}

}  // namespace flashphase::tools
