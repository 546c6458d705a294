#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "engine/device/share_out.h"
#include "engine/refine/bounds.h"
#include "engine/refine/cuda/runner.h"
#include "engine/refine/input_check.h"
#include "engine/refine/starts/choose.h"
#include "engine/refine/starts/conclude.h"
#include "engine/score/modulus.h"

namespace flashphase::refine::cuda {
namespace {

std::complex<float> standard(Complex value) {
  return {value.re, value.im};
}
Complex plain(std::complex<float> value) {
  return {value.real(), value.imag()};
}

/// Makes the planes of one frame after the other.
class FramePlanes {
 public:
  FramePlanes(int m, std::vector<int> order)
      : order_(std::move(order)), modulus_(order_.size()), low_(order_.size()), high_(order_.size()), m_(m) {}

  /// As Iterate::set_pattern, into planes in the runner's order.
  FrameScale operator()(std::span<const float> intensity, std::span<const std::uint8_t> measured,
                        const ModulusRule& rule, std::span<float> planes) {
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t i = 0; i < measured.size(); ++i) {
      if (!measured[i]) continue;
      sum += static_cast<double>(intensity[i]);
      ++count;
    }
    const double unit =
        sum > 0 ? std::exp2(std::round(0.5 * std::log2(sum / static_cast<double>(count)))) : 1.0;
    score::modulus_in_fft_layout(intensity, measured, m_, static_cast<float>(1 / unit), modulus_.data());
    put(modulus_, planes);
    if (rule != ModulusRule{}) {
      set_modulus_bounds(modulus_, m_, unit, rule, low_, high_);
      put(low_, planes.subspan(order_.size()));
      put(high_, planes.subspan(2 * order_.size()));
    }
    return {static_cast<float>(sum / (unit * unit)), static_cast<float>(unit)};
  }

 private:
  void put(const std::vector<float>& plane, std::span<float> to) const {
    for (std::size_t i = 0; i < order_.size(); ++i) to[i] = plane[static_cast<std::size_t>(order_[i])];
  }

  std::vector<int> order_;
  std::vector<float> modulus_, low_, high_;
  int m_;
};

/// What a thread of the host needs for patterns of one size; kept between batches.
struct Workspace {
  Workspace(int m, const std::vector<int>& order) : planes(m, order), conclude(m, false) {}

  FramePlanes planes;
  Conclusion conclude;
};

/// One call of solve().
struct Call {
  const PatternBatch& patterns;
  const Starts& starts;
  const Schedule& schedule;
  Refined& out;
  RunnerShape shape;
  FlatSchedule flat;
};

/// Frames [first, first + count) of a call in a slot of the runner.
struct Bucket {
  int slot = 0, first = 0, count = 0;
};

class RunnerSolver final : public CudaSolver {
 public:
  RunnerSolver(std::unique_ptr<Runner> runner, std::chrono::nanoseconds time_limit, int host_threads)
      : runner_(std::move(runner)), time_limit_(time_limit), host_threads_(host_threads) {}

  std::uint64_t out_of_memory() const override { return runner_->out_of_memory(); }
  bool has(Algorithm algorithm) const override { return algorithm != Algorithm::ml; }
  double device_seconds() const override { return runner_->device_seconds(); }
  std::string kernel_name(int pattern_size) const override { return runner_->kernel_name(pattern_size); }

  void solve(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule,
             Refined& out) override {
    check_input(patterns, starts, schedule);
    check_steps(*this, schedule);
    Conclusion::begin(patterns, starts, out);
    if (patterns.count == 0) return;
    const RunnerShape shape{.m = patterns.size,
                            .n = starts.size,
                            .frames = patterns.count,
                            .per_frame = starts.per_frame,
                            .bounded = schedule.modulus != ModulusRule{},
                            .limited = !starts.upper_limit.empty()};
    const Call call{patterns, starts, schedule, out, shape, FlatSchedule(schedule, time_limit_)};
    for (int slot = 0; slot < Runner::kSlots; ++slot) runner_->wait(slot);  // of a call that ended early
    make_workspaces(patterns.size);
    const int room = runner_->prepare(shape);
    std::optional<Bucket> under_way[Runner::kSlots];
    int slot = 0;
    for (int first = 0; first < patterns.count; first += room, slot = (slot + 1) % Runner::kSlots) {
      if (under_way[slot]) finish(call, *under_way[slot]);
      under_way[slot] = Bucket{slot, first, std::min(room, patterns.count - first)};
      begin(call, *under_way[slot]);
    }
    for (int i = 0; i < Runner::kSlots; ++i, slot = (slot + 1) % Runner::kSlots) {
      if (under_way[slot]) finish(call, *under_way[slot]);
    }
  }

 private:
  void make_workspaces(int m) {
    if (std::exchange(work_size_, m) == m) return;
    const std::vector<int> order = runner_->order(m);
    work_.clear();
    for (int i = 0; i < host_threads_; ++i) work_.emplace_back(m, order);
  }

  /// work(workspace, i) for the frames of a bucket, on all threads of the host where there is enough to do.
  template <class Work>
  void for_each_frame(const Bucket& bucket, const Work& work) {
    constexpr int kShare = 4;  // frames that are worth a thread
    share_out(std::min(host_threads_, bucket.count / kShare + 1), bucket.count,
              [&](int worker, int i) { work(work_[static_cast<std::size_t>(worker)], i); });
  }

  void begin(const Call& call, const Bucket& bucket) {
    const Staging staging = runner_->staging(bucket.slot);
    const std::size_t plane = call.shape.pattern_cells() * static_cast<std::size_t>(call.shape.planes()),
                      cells = call.shape.object_cells(),
                      starts = cells * static_cast<std::size_t>(call.shape.per_frame);
    for_each_frame(bucket, [&](Workspace& work, int i) {
      const int frame = bucket.first + i;
      const auto at = static_cast<std::size_t>(i);
      staging.scale[at] =
          work.planes(call.patterns.intensity_of(frame), Conclusion::seen(call.patterns, call.starts, frame),
                      call.schedule.modulus, staging.planes.subspan(at * plane, plane));
      const auto given =
          std::span(call.starts.object).subspan(static_cast<std::size_t>(frame) * starts, starts);
      std::ranges::transform(given, staging.start.subspan(at * starts, starts).begin(), plain);
      std::ranges::copy(call.starts.support_of(frame), staging.support.subspan(at * cells, cells).begin());
      if (call.shape.limited)
        std::ranges::copy(call.starts.upper_limit_of(frame),
                          staging.limit.subspan(at * cells, cells).begin());
    });
    runner_->launch(bucket.slot, bucket.count, call.flat);
  }

  void finish(const Call& call, const Bucket& bucket) {
    runner_->wait(bucket.slot);
    for (int generation = 1; generation < call.starts.choosing.generations; ++generation) breed(call, bucket);
    const Staging staging = runner_->staging(bucket.slot);
    for_each_frame(bucket, [&](Workspace& work, int i) {
      if (!(staging.scale[static_cast<std::size_t>(i)].energy > 0)) return;
      Results results = results_of(call, bucket, i);
      work.conclude(call.patterns, call.starts, call.schedule, bucket.first + i, results, call.out);
    });
  }

  /// What has come of the starts of frame `i` of a bucket.
  Results results_of(const Call& call, const Bucket& bucket, int i) {
    const Staging staging = runner_->staging(bucket.slot);
    const auto per_frame = static_cast<std::size_t>(call.shape.per_frame),
               frame = static_cast<std::size_t>(i), cells = call.shape.object_cells();
    Results results{ObjectBatch(call.shape.per_frame, call.shape.n), std::vector<int>(per_frame), {}};
    for (std::size_t k = 0; k < per_frame; ++k) {
      const std::size_t job = frame * per_frame + k;
      const Outcome& outcome = staging.outcome[job];
      const bool any = std::isfinite(outcome.chi2);
      results.iterations[k] = outcome.iterations;
      results.objects.residual[k] = any ? outcome.chi2 : 1.0f;
      if (any)
        std::ranges::transform(staging.object.subspan(job * cells, cells),
                               results.objects.object_of(static_cast<int>(k)).begin(), standard);
      std::ranges::copy(any ? staging.best_support.subspan(job * cells, cells)
                            : staging.support.subspan(frame * cells, cells),
                        results.objects.support_of(static_cast<int>(k)).begin());
    }
    return results;
  }

  /// The next generation of a bucket.
  void breed(const Call& call, const Bucket& bucket) {
    const Staging staging = runner_->staging(bucket.slot);
    std::size_t to = 0;
    for (int i = 0; i < bucket.count; ++i) {
      const Results results = results_of(call, bucket, i);
      for (const auto value : bred(results, lowest_residual(results))) staging.start[to++] = plain(value);
    }
    runner_->launch(bucket.slot, bucket.count, call.flat);
    runner_->wait(bucket.slot);
  }

  std::unique_ptr<Runner> runner_;
  std::chrono::nanoseconds time_limit_;
  int host_threads_;
  int work_size_ = 0;            // m
  std::vector<Workspace> work_;  // one for each thread of the host
};

}  // namespace

std::unique_ptr<CudaSolver> make_runner_solver(std::unique_ptr<Runner> runner,
                                               std::chrono::nanoseconds time_limit, int host_threads) {
  return std::make_unique<RunnerSolver>(std::move(runner), time_limit, host_threads);
}

}  // namespace flashphase::refine::cuda
