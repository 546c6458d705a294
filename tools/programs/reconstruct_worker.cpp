#include "tools/programs/reconstruct_worker.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <numbers>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "engine/dataset/patterns.h"
#include "engine/device/stop_signals.h"
#include "engine/score/resolution.h"
#include "engine/score/unwrap.h"

namespace flashphase::tools {
namespace {

template <class T>
void append(std::vector<T>& all, const std::vector<T>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

ReconstructionWorker::ReconstructionWorker(const ReconstructionPlan& plan, int pattern_size,
                                           std::unique_ptr<Network> network,
                                           std::unique_ptr<refine::Solver> solver)
    : schedule_(plan.schedule),
      choosing_(plan.choosing),
      unwrap_(plan.unwrap),
      network_(std::move(network)),
      solver_(std::move(solver)),
      make_starts_(plan.starts, network_.get()),
      score_(pattern_size) {}

ReconstructionResults ReconstructionWorker::operator()(const PatternBatch& patterns,
                                                       std::vector<std::uint8_t> upper_limit) {
  refine::Starts starts = make_starts_(patterns, std::move(upper_limit));
  ObjectBatch begun = make_starts_.first_of_each();
  score_(patterns, begun);
  const int size = begun.size;
  ReconstructionResults results;
  results.residual = begun.residual;
  if (schedule_.steps.empty()) {
    results.objects = std::move(begun.object);
    results.support = std::move(begun.support);
  } else {
    starts.choosing = choosing_;
    solver_->solve(patterns, starts, schedule_, refined_);
    results.objects = refined_.objects.object;
    results.support = refined_.objects.support;
    results.refined_residual = refined_.objects.residual;
    results.agreement = refined_.agreement;
    results.prtf = refined_.prtf;
    results.free_log_likelihood = refined_.free_log_likelihood;
    if (!refined_.outcomes.empty()) results.iterations = refined_.iterations;
    for (const refine::Outcome outcome : refined_.outcomes)
      results.explained.push_back(outcome == refine::Outcome::explained    ? kExplained
                                  : outcome == refine::Outcome::reproduced ? kReproduced
                                                                           : kGivenUp);
  }
  add_resolution(results, patterns.size / 2 + 1);
  if (unwrap_) add_unwrapped_phase(results, size);
  return results;
}

/// Where each PRTF [N, rings] falls below 1/e.
void ReconstructionWorker::add_resolution(ReconstructionResults& results, int rings) const {
  const std::vector<float> threshold(static_cast<std::size_t>(rings),
                                     static_cast<float>(1 / std::numbers::e));
  for (std::size_t at = 0; at < results.prtf.size(); at += threshold.size())
    results.resolution.push_back(
        score::resolution(std::span(results.prtf).subspan(at, threshold.size()), threshold, 2 * (rings - 1))
            .pixels);
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

ReconstructionRun::ReconstructionRun(Files files, std::span<const int> frames, int batch)
    : files_(files), frames_(frames), batch_(static_cast<std::size_t>(batch)) {}

/// Batches are begun in order and each that is begun is finished, so that those done have no gap.
void ReconstructionRun::work(ReconstructionWorker& worker) {
  while (!stop_requested() && !stopped_) {
    const std::size_t at = next_++ * batch_;
    if (at >= frames_.size()) return;
    const auto mine = frames_.subspan(at, std::min(batch_, frames_.size() - at));
    PatternBatch patterns;
    std::vector<std::uint8_t> limits;
    {
      const std::lock_guard lock(mutex_);
      const Dataset piece = files_.in.read(mine);
      const MeasuredShare share = measured_share(piece);
      measured_.measured += share.measured;
      measured_.pixels += share.pixels;
      patterns = patterns_of(piece);
      if (files_.support != nullptr) limits = files_.support->of(mine);
    }
    ReconstructionResults results = worker(patterns, std::move(limits));
    results.frames.assign(mine.begin(), mine.end());
    const std::lock_guard lock(mutex_);
    for (int i = 0; i < patterns.count; ++i)
      if (!holds_image(patterns.intensity_of(i), patterns.size))
        without_image_.push_back(mine[static_cast<std::size_t>(i)]);
    files_.out.write(at, results);
    append(figures_.residual, results.residual);
    append(figures_.refined_residual, results.refined_residual);
    append(figures_.agreement, results.agreement);
    append(figures_.explained, results.explained);
  }
}

std::size_t ReconstructionRun::done() const {
  return figures_.residual.size();
}

void ReconstructionRun::run(std::vector<ReconstructionWorker>& workers) {
  std::exception_ptr failure;
  const auto attempt = [&](ReconstructionWorker& worker) {
    try {
      work(worker);
    } catch (...) {
      stopped_ = true;
      const std::lock_guard lock(mutex_);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < workers.size(); ++i) threads.emplace_back(attempt, std::ref(workers[i]));
    attempt(workers.front());
  }
  if (failure) std::rethrow_exception(failure);
  std::ranges::sort(without_image_);
}

}  // namespace flashphase::tools
