#include "engine/refine/explain/effort.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

#include "engine/refine/starts/registration.h"
#include "engine/score/align.h"
#include "engine/score/noise.h"

namespace flashphase::refine {
namespace {

/// Two answers are the same image where their residuals differ by no more than this factor ...
constexpr float kSameResidual = 1.3f;
/// ... and the real-space error of one against the other is below this.
constexpr float kSameImage = 0.01f;

template <class T, class Range>
void append(std::vector<T>& all, const Range& more) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

Effort::Effort(int m, std::span<const float> intensity, std::span<const std::uint8_t> measured, Starts starts,
               const ExplainOptions& options)
    : m_(m),
      intensity_(intensity),
      measured_(measured),
      starts_(std::move(starts)),
      options_(options),
      support_(starts_.support_of(0)),
      counted_(is_counted(intensity, measured, options)),
      explained_(
          explained_below(options, counted_, counted_ ? score::noise_residual(intensity, measured) : 0)),
      step_(counted_ ? Step::look : Step::polish) {}

const Schedule& Effort::schedule_of(Step step) {
  static const Schedule look = parse_schedule("1*ER"), polish = parse_schedule("polish"),
                        rest_of_thorough = parse_schedule("765*HIO+135*AER"),
                        thorough = parse_schedule("thorough");
  switch (step) {
    case Step::look:
      return look;
    case Step::polish_together:
    case Step::polish:
      return polish;
    case Step::go_on:
      return rest_of_thorough;
    case Step::at_random:
      break;
  }
  return thorough;
}

int Effort::starts_at(Step step) const {
  return step == Step::polish_together ? starts_.per_frame : 1;
}

void Effort::next_round(Solver& solver, std::span<Effort* const> efforts) {
  // The last step first, so that what comes to the next one stays there until the next round.
  for (const Step step : {Step::at_random, Step::go_on, Step::polish, Step::polish_together, Step::look}) {
    std::vector<Effort*> here;
    for (Effort* const effort : efforts)
      if (!effort->done_ && effort->step_ == step) here.push_back(effort);
    if (!here.empty()) run(solver, step, here);
  }
}

void Effort::run(Solver& solver, Step step, std::span<Effort* const> efforts) {
  const Effort& first = *efforts.front();
  PatternBatch patterns(0, first.m_);
  Starts starts{first.starts_at(step), first.starts_.size, {}, {}};
  if (step == Step::polish_together) starts.choosing = first.starts_.choosing;
  for (const Effort* const effort : efforts) {
    ++patterns.count;
    append(patterns.intensity, effort->intensity_);
    append(patterns.measured, effort->measured_);
    append(starts.object, effort->start());
    append(starts.support, effort->support_);
    append(starts.upper_limit, effort->starts_.upper_limit_of(0));
  }
  Refined refined;
  solver.solve(patterns, starts, schedule_of(step), refined);
  for (std::size_t i = 0; i < efforts.size(); ++i) {
    const auto object = refined.objects.object_of(static_cast<int>(i));
    const auto support = refined.objects.support_of(static_cast<int>(i));
    efforts[i]->take(
        {{object.begin(), object.end()}, {support.begin(), support.end()}, refined.objects.residual[i]},
        refined.iterations[i] * starts.per_frame);
  }
}

std::vector<std::complex<float>> Effort::start() const {
  const auto turn = static_cast<std::size_t>(turn_);
  const auto given = [this](std::size_t first, int count) {
    const std::size_t cells = support_.size();
    const auto objects =
        std::span(starts_.object).subspan(first * cells, static_cast<std::size_t>(count) * cells);
    return std::vector(objects.begin(), objects.end());
  };
  switch (step_) {
    case Step::look:
      return given(0, 1);
    case Step::polish_together:
      return given(0, starts_.per_frame);
    case Step::polish:
      return given(turn, 1);
    case Step::go_on:
      return polished_[turn].object;
    case Step::at_random:
      break;
  }
  Starts one{0, starts_.size, {}, support_};
  add_random_starts(one, 1, options_.seed + turn);
  return std::move(one.object);
}

void Effort::take(Answer answer, int iterations) {
  iterations_ += iterations;
  const bool again = step_ == Step::at_random && reproduces(answer);
  keep(answer);
  if (iterations == 0) done_ = true;  // there is nothing to work on
  if (!done_ && again) {
    done_ = true;
    outcome_ = Outcome::reproduced;
  }
  if (done_) return;
  if (step_ == Step::polish) polished_.push_back(std::move(answer));
  advance();
}

void Effort::keep(const Answer& answer) {
  if (best_.object.empty() || answer.residual < best_.residual) best_ = answer;
  if (best_.residual > explained_) return;
  done_ = true;
  outcome_ = Outcome::explained;
}

void Effort::give(std::span<std::complex<float>> object, std::span<std::uint8_t> support) const {
  std::ranges::copy(best_.object, object.begin());
  std::ranges::copy(best_.support, support.begin());
  if (starts_.choosing.like_first_start)
    register_to(std::span(starts_.object).first(object.size()), object, support, starts_.size);
}

void Effort::advance() {
  const auto paid_for = [this](Step step) {
    return iterations_ + schedule_of(step).iterations() * starts_at(step) <= options_.iterations;
  };
  ++turn_;
  if (step_ == Step::look) {
    const bool together = starts_.per_frame > 1 && paid_for(Step::polish_together);
    step_ = together ? Step::polish_together : Step::polish;
    turn_ = 0;
  } else if (step_ == Step::polish_together) {
    step_ = Step::polish;
    turn_ = 0;
  } else if (step_ != Step::at_random && turn_ == starts_.per_frame) {
    if (step_ == Step::polish) std::ranges::stable_sort(polished_, {}, &Answer::residual);
    step_ = step_ == Step::polish ? Step::go_on : Step::at_random;
    turn_ = 0;
  }
  done_ = !paid_for(step_);
}

bool Effort::reproduces(const Answer& answer) const {
  return answer.residual < kSameResidual * best_.residual &&
         best_.residual < kSameResidual * answer.residual &&
         score::align(best_.object, answer.object, starts_.size, score::Translation::sub_pixel)
                 .real_space_error < kSameImage;
}

}  // namespace flashphase::refine
