#include "tools/programs/reconstruct_run.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <complex>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "engine/dataset/patterns.h"
#include "engine/device/stop_signals.h"
#include "engine/score/noise.h"
#include "engine/score/score.h"
#include "engine/score/split.h"

namespace flashphase::tools {
namespace {

constexpr std::chrono::milliseconds kTellEvery{250};

template <class T>
void append(std::vector<T>& all, const std::vector<T>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

ReconstructionRun::ReconstructionRun(Files files, std::span<const int> frames, int batch,
                                     std::optional<std::uint64_t> split_seed)
    : files_(files), frames_(frames), batch_(static_cast<std::size_t>(batch)), split_seed_(split_seed) {}

bool ReconstructionRun::stopping() const {
  return stop_requested() || failed_;
}

/// Nothing when there is no more to begin. Who would be too far ahead waits: its core helps those behind.
/// After a signal the batch that all wait for ends soon, and so do they.
std::optional<ReconstructionRun::Piece> ReconstructionRun::next_piece() {
  std::unique_lock lock(mutex_);
  moved_.wait(lock, [&] { return stopping() || begun_ < written_ + ahead_; });
  const std::size_t at = begun_ * batch_;
  if (stopping() || at >= frames_.size()) return std::nullopt;
  Piece piece{.index = begun_++,
              .frames = frames_.subspan(at, std::min(batch_, frames_.size() - at)),
              .patterns = {},
              .unseen = {},
              .limits = {},
              .results = {}};
  const Dataset read = files_.in.read(piece.frames);
  const MeasuredShare share = measured_share(read);
  measured_.measured += share.measured;
  measured_.pixels += share.pixels;
  piece.patterns = patterns_of(read);
  if (files_.support != nullptr) piece.limits = files_.support->of(piece.frames);
  return piece;
}

void ReconstructionRun::split(Piece& piece) const {
  piece.unseen = piece.patterns;
  for (int i = 0; i < piece.patterns.count; ++i) {
    const auto intensity = piece.patterns.intensity_of(i);
    const auto measured = piece.patterns.measured_of(i);
    if (!score::holds_counts(intensity, measured))
      throw std::invalid_argument(
          "--split-test deals out photons, and frame " +
          std::to_string(piece.frames[static_cast<std::size_t>(i)]) +
          " does not hold counts: some of its pixels lie between 0 and 1/2. Give patterns in photons: whole "
          "numbers, or these divided by a flat field");
    const score::Halves halves = score::split_counts(intensity, measured, *split_seed_);
    const auto at = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(i) * piece.patterns.pattern_cells());
    std::ranges::copy(halves.seen, piece.patterns.intensity.begin() + at);
    std::ranges::copy(halves.unseen, piece.unseen.intensity.begin() + at);
  }
}

void ReconstructionRun::judge(Piece& piece) const {
  const int m = piece.patterns.size;
  ReconstructionResults& results = piece.results;
  score::ModulusScorer score(m);
  const std::size_t cells = results.residual.empty() ? 0 : results.objects.size() / results.residual.size();
  const auto n = static_cast<int>(std::lround(std::sqrt(cells)));
  for (std::size_t i = 0; i < results.residual.size(); ++i) {
    const auto object = std::span<const std::complex<float>>(results.objects).subspan(i * cells, cells);
    const auto frame = static_cast<int>(i);
    const auto unseen = piece.unseen.intensity_of(frame);
    const auto measured = piece.unseen.measured_of(frame);
    results.split_seen.push_back(score(piece.patterns.intensity_of(frame), measured, object, n));
    results.split_unseen.push_back(score(unseen, measured, object, n));
    results.split_noise.push_back(score::noise_residual(unseen, measured));
  }
}

void ReconstructionRun::serve(ReconstructionWorker& worker) {
  const auto goes_on = [this](int frames) {
    finished_ += static_cast<std::size_t>(frames);
    return !stopping();
  };
  while (auto piece = next_piece()) {
    if (split_seed_) split(*piece);
    piece->results = worker(piece->patterns, piece->limits, goes_on);
    if (split_seed_) judge(*piece);
    const std::size_t count = piece->results.residual.size();
    piece->results.frames.assign(piece->frames.begin(),
                                 piece->frames.begin() + static_cast<std::ptrdiff_t>(count));
    hand_in(std::move(*piece));
  }
}

void ReconstructionRun::hand_in(Piece piece) {
  const std::lock_guard lock(mutex_);
  const std::size_t index = piece.index;
  waiting_.emplace(index, std::move(piece));
  while (!waiting_.empty() && waiting_.begin()->first == written_) {
    write(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    ++written_;
  }
  moved_.notify_all();
}

void ReconstructionRun::write(Piece& piece) {
  const ReconstructionResults& results = piece.results;
  if (!writable_ || results.frames.empty()) return;
  writable_ = false;
  files_.out.write(done(), results);
  writable_ = true;
  for (std::size_t i = 0; i < results.frames.size(); ++i)
    if (!holds_image(piece.patterns.intensity_of(static_cast<int>(i)), piece.patterns.size))
      without_image_.push_back(results.frames[i]);
  append(figures_.refined_residual, results.refined_residual);
  append(figures_.agreement, results.agreement);
  append(figures_.split_seen, results.split_seen);
  append(figures_.split_unseen, results.split_unseen);
  append(figures_.split_noise, results.split_noise);
  append(figures_.explained, results.explained);
  append(figures_.remarks, results.remarks);
  append(figures_.frames, results.frames);
  append(figures_.residual, results.residual);
}

void ReconstructionRun::wait_for_workers(const std::function<void(std::size_t)>& tell) {
  std::unique_lock lock(mutex_);
  while (!moved_.wait_for(lock, kTellEvery, [&] { return at_work_ == 0; })) {
    lock.unlock();
    tell(finished_);
    lock.lock();
  }
}

void ReconstructionRun::run(std::vector<ReconstructionWorker>& workers,
                            const std::function<void(std::size_t)>& tell) {
  ahead_ = 2 * workers.size();
  const auto keep_failure = [this] {
    const std::lock_guard lock(mutex_);
    failed_ = true;
    if (!failure_) failure_ = std::current_exception();
  };
  const auto attempt = [&](ReconstructionWorker& worker) {
    try {
      serve(worker);
    } catch (...) {
      keep_failure();
    }
    const std::lock_guard lock(mutex_);
    --at_work_;
    moved_.notify_all();
  };
  at_work_ = workers.size();
  std::vector<std::jthread> threads;
  for (ReconstructionWorker& worker : workers) {
    try {
      threads.emplace_back(attempt, std::ref(worker));
    } catch (...) {  // no thread to be had
      keep_failure();
      const std::lock_guard lock(mutex_);
      --at_work_;
    }
  }
  wait_for_workers(tell);
  threads.clear();
  try {
    for (auto& [index, piece] : waiting_) write(piece);
  } catch (...) {
    keep_failure();
  }
  std::ranges::sort(without_image_);
  if (failure_) std::rethrow_exception(failure_);
}

}  // namespace flashphase::tools
