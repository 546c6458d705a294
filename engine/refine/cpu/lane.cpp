#include "engine/refine/cpu/lane.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/refine/loop/algorithms.h"

namespace flashphase::refine::cpu {
namespace {

constexpr int kClockEvery = 16;  // iterations between two looks at the clock

}  // namespace

Best::Best(int n) : n_(static_cast<std::size_t>(n)), object_(n_ * n_), support_(n_ * n_) {}

void Best::clear() {
  chi2_ = std::numeric_limits<double>::infinity();
}

void Best::consider(const Iterate& iterate, const Fit& fit) {
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

bool Lane::take(const FrameTask& task) {
  if (ticket_ != task.ticket) {
    ticket_ = 0;  // until it is whole
    iterate_.set_pattern(task.patterns.intensity_of(task.frame),
                         Conclusion::seen(task.patterns, task.starts, task.frame), task.schedule.modulus);
    support_update_.stay_inside(task.starts.upper_limit_of(task.frame));
    ticket_ = task.ticket;
  }
  return iterate_.has_signal();
}

void Lane::run(const FrameTask& task, std::span<const std::complex<float>> start,
               std::chrono::nanoseconds time_limit, int which, Results& results) {
  iterate_.set_start(start, task.support, results.objects.size);
  if (std::ranges::any_of(task.schedule.steps, [](const Step& step) { return step.pull > 0; }))
    iterate_.keep_start();
  const auto at = static_cast<std::size_t>(which);
  results.iterations[at] = iterate(task.schedule, time_limit);
  const bool any = std::isfinite(best_.chi2());
  results.objects.residual[at] = any ? static_cast<float>(best_.chi2()) : 1.0f;
  if (any) {
    std::ranges::copy(best_.object(), results.objects.object_of(which).begin());
    std::ranges::copy(best_.support(), results.objects.support_of(which).begin());
  } else {
    std::ranges::fill(results.objects.object_of(which), std::complex<float>());
    std::ranges::copy(task.support, results.objects.support_of(which).begin());
  }
}

/// From the start that is set; leaves the best candidate and gives the iterations done.
int Lane::iterate(const Schedule& schedule, std::chrono::nanoseconds time_limit) {
  best_.clear();
  Progress progress{schedule.iterations(), Clock::now()};
  for (const Step& step : schedule.steps) {
    const Update update = update_of(step);
    for (int i = 0; i < step.iterations; ++i) {
      if (progress.done % kClockEvery == 0 && Clock::now() - progress.begin >= time_limit)
        return finish(progress);
      if (schedule.shrink_wrap) update_support(*schedule.shrink_wrap, progress);
      const Fit fit = iterate_.project(progress.candidate || schedule.stop);
      if (progress.candidate) best_.consider(iterate_, fit);
      if (schedule.stop && stagnates(*schedule.stop, fit, progress)) return finish(progress);
      advance(step, update, i, progress.candidate, fit);
      const bool likelihood = step.algorithm == Algorithm::ml;
      if (likelihood) best_.outdate();  // it is not chi^2 that falls
      progress.candidate = likelihood || step.algorithm == Algorithm::er || step.algorithm == Algorithm::aer;
      ++progress.done;
    }
  }
  return finish(progress);
}

void Lane::advance(const Step& step, const Update& update, int done, bool candidate, const Fit& fit) {
  if (step.algorithm == Algorithm::dm) {
    iterate_.difference_map(step.beta, step.positive, step.real);
    return;
  }
  if (step.algorithm == Algorithm::ml) {
    iterate_.climb(done == 0 || !candidate, step.pull);
    return;
  }
  if (step.algorithm == Algorithm::aer) {
    const bool goes_on = done > 0 && candidate;
    iterate_.accelerate(step.real, goes_on ? std::optional(fit.chi2) : std::nullopt);
    return;
  }
  iterate_.update(update);
  if (step.algorithm == Algorithm::oss)
    iterate_.smooth_outside(oss_width(done, step.iterations, iterate_.size()));
}

bool Lane::stagnates(const Stop& stop, const Fit& fit, Progress& progress) {
  if (!(fit.chi2 >= progress.lowest * (1 - static_cast<double>(stop.gain)))) {
    progress.lowest = fit.chi2;
    progress.lowest_at = progress.done;
  }
  return fit.chi2 < static_cast<double>(stop.below) || progress.done - progress.lowest_at >= stop.after;
}

int Lane::finish(const Progress& progress) {
  iterate_.constrain();
  best_.consider(iterate_, iterate_.project());
  return progress.done;
}

void Lane::update_support(const ShrinkWrap& wrap, Progress& progress) {
  const float part = wrap.part_at(progress.done, progress.total);
  if (part < 0 ||
      !support_update_(iterate_.re(), iterate_.im(), iterate_.stride(), part, wrap, iterate_.support()))
    return;
  best_.outdate();
  progress.candidate = false;
  progress.lowest = std::numeric_limits<double>::infinity();
  progress.lowest_at = progress.done;
}

}  // namespace flashphase::refine::cpu
