#include "tools/reconstruct_worker.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace flashphase::tools {
namespace {

PatternBatch batch_of(const Dataset& dataset, std::span<const int> frames) {
  PatternBatch batch(static_cast<int>(frames.size()), dataset.pattern_size);
  for (int i = 0; i < batch.count; ++i) {
    const auto frame = static_cast<std::size_t>(frames[static_cast<std::size_t>(i)]);
    const std::size_t at = static_cast<std::size_t>(i) * batch.pattern_cells();
    const auto pattern = dataset.pattern(frame);
    const auto measured = dataset.measured(frame);
    bool any = false;
    for (std::size_t p = 0; p < pattern.size(); ++p) {
      const bool good = (measured.empty() || measured[p] != 0) && std::isfinite(pattern[p]);
      batch.measured[at + p] = good;
      batch.intensity[at + p] = good ? std::max(pattern[p], 0.0f) : 0.0f;
      any |= good;
    }
    if (any) continue;
    std::fprintf(stderr, "flashphase-reconstruct: frame %zu has no measured pixel; its image is empty\n",
                 frame);
    std::fill_n(batch.measured.begin() + static_cast<std::ptrdiff_t>(at), batch.pattern_cells(),
                std::uint8_t{1});
  }
  return batch;
}

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
      network_(std::move(network)),
      solver_(std::move(solver)),
      make_starts_(plan.starts, network_.get(), plan.upper_limit),
      score_(pattern_size) {}

ReconstructionResults ReconstructionWorker::operator()(const Dataset& dataset, std::span<const int> frames) {
  const PatternBatch patterns = batch_of(dataset, frames);
  refine::Starts starts = make_starts_(patterns, frames);
  ObjectBatch begun = make_starts_.first_of_each();
  score_(patterns, begun);
  ReconstructionResults results;
  results.residual = begun.residual;
  if (schedule_.steps.empty()) {
    results.objects = std::move(begun.object);
    results.support = std::move(begun.support);
    return results;
  }
  starts.choosing = choosing_;
  solver_->solve(patterns, starts, schedule_, refined_);
  results.objects = refined_.objects.object;
  results.support = refined_.objects.support;
  results.refined_residual = refined_.objects.residual;
  results.agreement = refined_.agreement;
  results.prtf = refined_.prtf;
  results.free_log_likelihood = refined_.free_log_likelihood;
  return results;
}

void reconstruct_frames(std::vector<ReconstructionWorker>& workers, const Dataset& dataset, int batch,
                        ReconstructionResults& results) {
  const auto size = static_cast<std::size_t>(batch);
  const std::span<const int> frames = results.frames;
  std::vector<ReconstructionResults> pieces((frames.size() + size - 1) / size);
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;  // guarded by mutex
  const auto work = [&](ReconstructionWorker& worker) {
    try {
      for (std::size_t i = next++; i < pieces.size(); i = next++)
        pieces[i] = worker(dataset, frames.subspan(i * size, std::min(size, frames.size() - i * size)));
    } catch (...) {
      next = pieces.size();
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < workers.size(); ++i) threads.emplace_back(work, std::ref(workers[i]));
    work(workers.front());
  }
  if (failure) std::rethrow_exception(failure);
  for (const ReconstructionResults& piece : pieces) {
    append(results.objects, piece.objects);
    append(results.support, piece.support);
    append(results.residual, piece.residual);
    append(results.refined_residual, piece.refined_residual);
    append(results.agreement, piece.agreement);
    append(results.prtf, piece.prtf);
    append(results.free_log_likelihood, piece.free_log_likelihood);
  }
}

}  // namespace flashphase::tools
