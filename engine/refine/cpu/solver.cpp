#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>

#include "engine/refine/input_check.h"
#include "engine/refine/loop/algorithms.h"
#include "engine/refine/loop/iterate.h"
#include "engine/refine/loop/support_update.h"
#include "engine/refine/solver.h"
#include "engine/refine/starts/choose.h"
#include "engine/refine/starts/conclude.h"

namespace flashphase::refine {
namespace {

constexpr int kClockEvery = 16;  // iterations between two looks at the clock

/// The best candidate of a start (see Solver).
class Best {
 public:
  explicit Best(int n) : n_(static_cast<std::size_t>(n)), object_(n_ * n_), support_(n_ * n_) {}

  void clear() { chi2_ = std::numeric_limits<double>::infinity(); }
  /// The support changed: the next candidate replaces this one whatever its residual.
  void outdate() { outdated_ = true; }

  void consider(const Iterate& iterate, const Fit& fit) {
    if (!std::isfinite(fit.chi2) || !std::isfinite(fit.scale)) return;
    if (fit.chi2 >= chi2_ && !outdated_) return;
    chi2_ = fit.chi2;
    outdated_ = false;
    const auto scale = static_cast<float>(fit.scale * iterate.unit());
    const auto stride = static_cast<std::size_t>(iterate.stride());
    for (std::size_t y = 0; y < n_; ++y) {
      for (std::size_t x = 0; x < n_; ++x) {
        const std::size_t from = y * stride + x;
        object_[y * n_ + x] = {scale * iterate.re()[from], scale * iterate.im()[from]};
        support_[y * n_ + x] = iterate.support()[from] > 0;
      }
    }
  }

  std::size_t size() const { return n_; }
  double chi2() const { return chi2_; }
  std::span<const std::complex<float>> object() const { return object_; }
  std::span<const std::uint8_t> support() const { return support_; }

 private:
  std::size_t n_;
  double chi2_ = std::numeric_limits<double>::infinity();
  bool outdated_ = false;
  std::vector<std::complex<float>> object_;
  std::vector<std::uint8_t> support_;
};

/// What a batch of one shape needs; kept between batches.
struct Workspace {
  Workspace(int m, int n) : iterate(m), support_update(n), conclusion(m, true), best(n), results{} {}

  Iterate iterate;
  SupportUpdate support_update;
  Conclusion conclusion;
  Best best;
  Results results;
};

class CpuSolver final : public Solver {
 public:
  explicit CpuSolver(const CpuOptions& options) : options_(options) {}

  void solve(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule,
             Refined& out) override {
    check_input(patterns, starts, schedule);
    if (!work_ || work_->iterate.size() != patterns.size ||
        work_->best.size() != static_cast<std::size_t>(starts.size)) {
      work_.emplace(patterns.size, starts.size);
    }
    work_->results.objects = ObjectBatch(starts.per_frame, starts.size);
    work_->results.iterations.assign(static_cast<std::size_t>(starts.per_frame), 0);
    Conclusion::begin(patterns, starts, out);
    for (int frame = 0; frame < patterns.count; ++frame) solve_frame(patterns, starts, schedule, frame, out);
  }

 private:
  void solve_frame(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule, int frame,
                   Refined& out) {
    work_->iterate.set_pattern(patterns.intensity_of(frame), Conclusion::seen(patterns, starts, frame),
                               schedule.modulus);
    if (!work_->iterate.has_signal()) return;
    const std::vector<std::uint8_t> support = starts.support_of(frame);
    work_->support_update.stay_inside(starts.upper_limit_of(frame));
    const std::size_t objects = out.objects.object_cells() * static_cast<std::size_t>(starts.per_frame);
    Results& results = work_->results;
    run_starts(std::span(starts.object).subspan(static_cast<std::size_t>(frame) * objects, objects), support,
               schedule);
    for (int generation = 1; generation < starts.choosing.generations; ++generation)
      run_starts(bred(results, lowest_residual(results)), support, schedule);
    work_->conclusion(patterns, starts, schedule, frame, results, out);
  }

  /// One generation: the schedule from each of the starts [K, n, n]. A start that comes to nothing gives a
  /// zero object.
  void run_starts(std::span<const std::complex<float>> starts, std::span<const std::uint8_t> support,
                  const Schedule& schedule) {
    Results& results = work_->results;
    const std::size_t cells = results.objects.object_cells();
    for (int k = 0; k < results.objects.count; ++k) {
      const auto which = static_cast<std::size_t>(k);
      work_->iterate.set_start(starts.subspan(which * cells, cells), support, results.objects.size);
      results.iterations[which] = run(schedule);
      const Best& best = work_->best;
      const bool any = std::isfinite(best.chi2());
      results.objects.residual[which] = any ? static_cast<float>(best.chi2()) : 1.0f;
      if (any) {
        std::copy(best.object().begin(), best.object().end(), results.objects.object_of(k).begin());
        std::copy(best.support().begin(), best.support().end(), results.objects.support_of(k).begin());
      } else {
        std::ranges::fill(results.objects.object_of(k), std::complex<float>());
        std::copy(support.begin(), support.end(), results.objects.support_of(k).begin());
      }
    }
  }

  struct Progress {
    int total = 0;
    Clock::time_point begin;
    int done = 0;
    bool candidate = true;  // the iterate is zero outside its support
    double lowest = std::numeric_limits<double>::infinity();
    int lowest_at = 0;
  };

  /// From the start that is set; leaves the best candidate and gives the iterations done.
  int run(const Schedule& schedule) {
    work_->best.clear();
    Progress progress{schedule.iterations(), Clock::now()};
    for (const Step& step : schedule.steps) {
      const Update update = update_of(step);
      for (int i = 0; i < step.iterations; ++i) {
        if (progress.done % kClockEvery == 0 && Clock::now() - progress.begin >= options_.time_limit)
          return finish(progress);
        if (schedule.shrink_wrap) update_support(*schedule.shrink_wrap, progress);
        const Fit fit = work_->iterate.project(progress.candidate || schedule.stop);
        if (progress.candidate) work_->best.consider(work_->iterate, fit);
        if (schedule.stop && stagnates(*schedule.stop, fit, progress)) return finish(progress);
        advance(step, update, i, progress.candidate, fit);
        progress.candidate = step.algorithm == Algorithm::er || step.algorithm == Algorithm::aer;
        ++progress.done;
      }
    }
    return finish(progress);
  }

  void advance(const Step& step, const Update& update, int done, bool candidate, const Fit& fit) {
    Iterate& iterate = work_->iterate;
    if (step.algorithm == Algorithm::dm) {
      iterate.difference_map(step.beta, step.positive, step.real);
      return;
    }
    if (step.algorithm == Algorithm::aer) {
      const bool goes_on = done > 0 && candidate;
      iterate.accelerate(step.real, goes_on ? std::optional(fit.chi2) : std::nullopt);
      return;
    }
    iterate.update(update);
    if (step.algorithm == Algorithm::oss)
      iterate.smooth_outside(oss_width(done, step.iterations, iterate.size()));
  }

  static bool stagnates(const Stop& stop, const Fit& fit, Progress& progress) {
    if (!(fit.chi2 >= progress.lowest * (1 - static_cast<double>(stop.gain)))) {
      progress.lowest = fit.chi2;
      progress.lowest_at = progress.done;
    }
    return fit.chi2 < static_cast<double>(stop.below) || progress.done - progress.lowest_at >= stop.after;
  }

  int finish(const Progress& progress) {
    work_->iterate.constrain();
    work_->best.consider(work_->iterate, work_->iterate.project());
    return progress.done;
  }

  void update_support(const ShrinkWrap& wrap, Progress& progress) {
    if (progress.done < wrap.from || (progress.done - wrap.from) % wrap.every != 0) return;
    const float part = static_cast<float>(progress.done - wrap.from) /
                       static_cast<float>(std::max(1, progress.total - wrap.from));
    const float sigma = wrap.sigma_start + part * (wrap.sigma_end - wrap.sigma_start);
    Iterate& iterate = work_->iterate;
    if (!work_->support_update(iterate.re(), iterate.im(), iterate.stride(), sigma, wrap, iterate.support()))
      return;
    work_->best.outdate();
    progress.candidate = false;
    progress.lowest = std::numeric_limits<double>::infinity();
    progress.lowest_at = progress.done;
  }

  CpuOptions options_;
  std::optional<Workspace> work_;
};

}  // namespace

std::unique_ptr<Solver> make_cpu_solver(const CpuOptions& options) {
  return std::make_unique<CpuSolver>(options);
}

}  // namespace flashphase::refine
