#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>

#include "engine/refine/algorithms.h"
#include "engine/refine/average.h"
#include "engine/refine/choose.h"
#include "engine/refine/free_pixels.h"
#include "engine/refine/iterate.h"
#include "engine/refine/registration.h"
#include "engine/refine/solver.h"
#include "engine/refine/support_update.h"
#include "engine/score/metrics.h"
#include "engine/score/score.h"

namespace flashphase::refine {
namespace {

constexpr int kClockEvery = 16;              // iterations between two looks at the clock
constexpr std::uint64_t kFreePixelSeed = 1;  // the same pixels for every frame and start
constexpr float kMostHeldOut = 0.2f;

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
    const auto m = static_cast<std::size_t>(iterate.size());
    for (std::size_t y = 0; y < n_; ++y) {
      for (std::size_t x = 0; x < n_; ++x) {
        const std::size_t from = y * m + x;
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

void check(const PatternBatch& patterns, const Starts& starts) {
  const auto fail = [](const std::string& what) { throw std::invalid_argument("refine: " + what); };
  const int m = patterns.size, n = starts.size;
  if (patterns.count < 0 || m < 1 || patterns.intensity.size() != patterns.cells() ||
      patterns.measured.size() != patterns.cells()) {
    fail("the patterns must be [B, m, m] with a measured flag for each pixel");
  }
  if (n < 1 || n > m / 2) {
    fail("the object must have an edge from 1 to half the pattern's (" + std::to_string(m / 2) + "), not " +
         std::to_string(n));
  }
  const std::size_t cells = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  const auto frames = static_cast<std::size_t>(patterns.count);
  if (starts.per_frame < 1 || starts.support.size() != frames * cells ||
      starts.object.size() != frames * static_cast<std::size_t>(starts.per_frame) * cells) {
    fail("the starts must be objects [B, K, n, n] and supports [B, n, n] with the patterns' B and K >= 1");
  }
  if (!starts.upper_limit.empty() && starts.upper_limit.size() != starts.support.size())
    fail("the upper limit must be [B, n, n] like the supports");
  const Choosing& choosing = starts.choosing;
  if (!(choosing.held_out >= 0) || choosing.held_out > kMostHeldOut)
    fail("between 0 and 0.2 of the pixels can be held out, not " + std::to_string(choosing.held_out));
  if (choosing.by == Choice::free_log_likelihood && choosing.held_out <= 0)
    fail("to choose by free pixels some must be held out");
  if (choosing.settle < 0) fail("a mean cannot settle for fewer than 0 iterations");
  if (choosing.generations < 1) fail("there must be at least one generation");
  for (const auto value : starts.object) {
    if (!std::isfinite(value.real()) || !std::isfinite(value.imag()))
      fail("a start holds a value that is not finite");
  }
  for (int frame = 0; frame < patterns.count; ++frame) {
    const auto measured = patterns.measured_of(frame);
    const auto intensity = patterns.intensity_of(frame);
    bool any = false;
    for (std::size_t i = 0; i < measured.size(); ++i) {
      if (!measured[i]) continue;
      any = true;
      if (!(intensity[i] >= 0) || !std::isfinite(intensity[i])) {
        fail("pattern " + std::to_string(frame) + " holds a measured pixel that is negative or not finite");
      }
    }
    if (!any) fail("pattern " + std::to_string(frame) + " has no measured pixel");
    const std::vector<std::uint8_t> support = starts.support_of(frame);
    if (std::ranges::all_of(support, [](auto inside) { return inside == 0; }))
      fail("the support of pattern " + std::to_string(frame) + " is empty");
  }
}

/// What a batch of one shape needs; kept between batches.
struct Workspace {
  Workspace(int m, int n) : iterate(m), support_update(n), scorer(m), best(n), results{} {}

  Iterate iterate;
  SupportUpdate support_update;
  score::ModulusScorer scorer;
  Best best;
  Results results;
};

class CpuSolver final : public Solver {
 public:
  explicit CpuSolver(const CpuOptions& options) : options_(options) {}

  void solve(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule,
             Refined& out) override {
    check(patterns, starts);
    if (!work_ || work_->iterate.size() != patterns.size ||
        work_->best.size() != static_cast<std::size_t>(starts.size)) {
      work_.emplace(patterns.size, starts.size);
    }
    work_->results.objects = ObjectBatch(starts.per_frame, starts.size);
    work_->results.iterations.assign(static_cast<std::size_t>(starts.per_frame), 0);
    const auto frames = static_cast<std::size_t>(patterns.count);
    out.objects = ObjectBatch(patterns.count, starts.size);
    out.iterations.assign(frames, 0);
    out.agreement.assign(starts.per_frame > 1 && compares(starts.choosing) ? frames : 0, 0.0f);
    out.prtf.assign(out.agreement.size() * (static_cast<std::size_t>(patterns.size) / 2 + 1), 0.0f);
    out.free_log_likelihood.assign(starts.choosing.held_out > 0 ? frames : 0, 0.0f);
    for (int frame = 0; frame < patterns.count; ++frame) solve_frame(patterns, starts, schedule, frame, out);
  }

 private:
  static bool compares(const Choosing& choosing) {
    return choosing.by == Choice::agreement || choosing.average || choosing.confidence;
  }

  void solve_frame(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule, int frame,
                   Refined& out) {
    const auto index = static_cast<std::size_t>(frame);
    const std::size_t cells = out.objects.object_cells();
    const auto measured = patterns.measured_of(frame);
    const std::vector<std::uint8_t> support = starts.support_of(frame);
    const auto upper_limit = starts.upper_limit_of(frame);
    const std::span<const std::complex<float>> first(
        starts.object.data() + index * static_cast<std::size_t>(starts.per_frame) * cells,
        static_cast<std::size_t>(starts.per_frame) * cells);
    const auto object = out.objects.object_of(frame);
    std::copy(support.begin(), support.end(), out.objects.support_of(frame).begin());
    work_->support_update.stay_inside(upper_limit);
    const Choosing& choosing = starts.choosing;
    std::vector<std::uint8_t> seen(measured.begin(), measured.end());
    if (choosing.held_out > 0)
      seen = without_free_pixels(measured, patterns.size, choosing.held_out, kFreePixelSeed);
    work_->iterate.set_pattern(patterns.intensity_of(frame), seen, schedule.modulus);
    if (work_->iterate.has_signal()) {
      Results& results = work_->results;
      run_starts(first, support, schedule);
      for (int generation = 1; generation < choosing.generations; ++generation) {
        run_starts(bred(results, lowest_residual(results)), support, schedule);
      }
      if (choosing.held_out > 0) weigh_free_pixels(patterns, frame, seen);
      const int chosen = take_chosen(choosing, upper_limit, seen, frame, out);
      if (choosing.held_out > 0)
        out.free_log_likelihood[index] = results.free_log_likelihood[static_cast<std::size_t>(chosen)];
      if (choosing.like_first_start && upper_limit.empty())
        register_to(first.first(cells), object, out.objects.support_of(frame), starts.size);
    }
    out.objects.residual[index] = work_->scorer(patterns.intensity_of(frame), measured, object, starts.size);
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

  void weigh_free_pixels(const PatternBatch& patterns, int frame, const std::vector<std::uint8_t>& seen) {
    const auto measured = patterns.measured_of(frame);
    std::vector<std::uint8_t> held_out(seen.size());
    for (std::size_t i = 0; i < seen.size(); ++i) held_out[i] = measured[i] && !seen[i];
    Results& results = work_->results;
    results.free_log_likelihood.clear();
    for (int k = 0; k < results.objects.count; ++k) {
      const std::vector<float> calculated =
          score::diffraction(results.objects.object_of(k), results.objects.size, patterns.size);
      results.free_log_likelihood.push_back(
          static_cast<float>(-score::poisson_llk(calculated, patterns.intensity_of(frame), held_out)));
    }
  }

  int take_chosen(const Choosing& choosing, std::span<const std::uint8_t> upper_limit,
                  const std::vector<std::uint8_t>& seen, int frame, Refined& out) {
    const Results& results = work_->results;
    const auto index = static_cast<std::size_t>(frame);
    const bool wants_more = compares(choosing) || choosing.by == Choice::free_log_likelihood;
    Chosen chosen;
    if (wants_more) {
      chosen = choose(results, choosing, work_->iterate.size(), upper_limit);
    } else {
      chosen.index = lowest_residual(results);
    }
    std::ranges::copy(results.objects.support_of(chosen.index), out.objects.support_of(frame).begin());
    std::ranges::copy(results.objects.object_of(chosen.index), out.objects.object_of(frame).begin());
    out.iterations[index] = results.iterations[static_cast<std::size_t>(chosen.index)];
    if (!chosen.average.object.empty()) {
      settle(work_->iterate, results, static_cast<int>(std::ranges::count(seen, 1)), choosing.settle,
             chosen.average);
    }
    if (!chosen.average.object.empty()) {
      std::ranges::copy(chosen.average.object, out.objects.object_of(frame).begin());
      std::ranges::copy(chosen.average.support, out.objects.support_of(frame).begin());
    }
    if (!out.agreement.empty()) {
      out.agreement[index] = chosen.agreement;
      std::ranges::copy(chosen.prtf,
                        out.prtf.begin() + static_cast<std::ptrdiff_t>(index * chosen.prtf.size()));
    }
    return chosen.index;
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
    if (!work_->support_update(iterate.re(), iterate.im(), iterate.size(), sigma, wrap, iterate.support()))
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
