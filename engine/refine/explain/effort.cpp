#include "engine/refine/explain/effort.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <numeric>
#include <utility>

#include "engine/refine/starts/choose.h"
#include "engine/refine/starts/conclude.h"
#include "engine/refine/starts/registration.h"
#include "engine/score/align.h"
#include "engine/score/noise.h"

namespace flashphase::refine {
namespace {

/// What a noisy pattern began with, the network's answer, is left for another when twice the fall of
/// sum (sqrt(A) - sqrt(I))^2, which of many photons is that of minus the log-likelihood, is above this for
/// each of the support's pixels: less is what an iteration takes from the noise (README.md).
constexpr double kLeaveFirst = 0.04;
/// What comes of HIO has to be better by this besides.
constexpr double kSearched = 5;

/// Where counting noise leaves more than this (some 3e5 photons) ...
constexpr float kBuried = 3e-3f;
/// ... what was found disagrees below this agreement, and none of it can be told from the others.
constexpr float kDisagree = 0.93f;

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
      photons_(std::transform_reduce(intensity.begin(), intensity.end(), measured.begin(), 0.0, std::plus(),
                                     [](float value, std::uint8_t is) { return is ? double{value} : 0.0; })) {
  const bool counted = is_counted(intensity, measured, options);
  noise_ = counted ? score::noise_residual(intensity, measured) : 0;
  explained_ = explained_below(options, counted, noise_);
  noisy_ = score::is_noisy(noise_);
  step_ = noisy_ ? Step::climb : Step::polish;
}

void Effort::begin_with(Answer answer) {
  best_ = std::move(answer);
  as_it_came_ = true;
}

const Schedule& Effort::schedule_of(Step step) {
  static const Schedule likelihood = parse_schedule("60*ML"), polish = parse_schedule("polish"),
                        rest_of_thorough = parse_schedule("765*HIO+135*AER"),
                        thorough = parse_schedule("thorough");
  switch (step) {
    case Step::climb:
      return likelihood;
    case Step::polish:
      return polish;
    case Step::go_on:
      return rest_of_thorough;
    case Step::at_random:
      break;
  }
  return thorough;
}

int Effort::price_of(Step step) const {
  const bool then_climbs = noisy_ && step != Step::climb;
  return schedule_of(step).iterations() + (then_climbs ? schedule_of(Step::climb).iterations() : 0);
}

void Effort::next_round(Solver& solver, Solver& climber, std::span<Effort* const> efforts) {
  // The last step first, so that what comes to the next one stays there until the next round.
  for (const Step step : {Step::at_random, Step::go_on, Step::polish, Step::climb}) {
    for (const bool noisy : {false, true}) {
      std::vector<Effort*> here;
      for (Effort* const effort : efforts)
        if (!effort->done_ && effort->step_ == step && effort->noisy_ == noisy) here.push_back(effort);
      if (!here.empty()) run(solver, climber, step, here);
    }
  }
}

/// `efforts`: all noisy or none.
void Effort::run(Solver& solver, Solver& climber, Step step, std::span<Effort* const> efforts) {
  const Effort& first = *efforts.front();
  PatternBatch patterns(0, first.m_);
  Starts starts{1, first.starts_.size, {}, {}};
  for (const Effort* const effort : efforts) {
    ++patterns.count;
    append(patterns.intensity, effort->intensity_);
    append(patterns.measured, effort->measured_);
    append(starts.object, effort->start());
    append(starts.support, effort->support_);
    append(starts.upper_limit, effort->starts_.upper_limit_of(0));
  }
  Refined refined;
  std::vector<int> iterations(efforts.size());
  const auto solve_with = [&](Solver& one, const Schedule& schedule) {
    one.solve(patterns, starts, schedule, refined);
    starts.object = refined.objects.object;
    for (std::size_t i = 0; i < efforts.size(); ++i) iterations[i] += refined.iterations[i];
  };
  if (step != Step::climb) solve_with(solver, schedule_of(step));
  if (first.noisy_) solve_with(climber, schedule_of(Step::climb));
  for (std::size_t i = 0; i < efforts.size(); ++i) {
    const auto object = refined.objects.object_of(static_cast<int>(i));
    const auto support = refined.objects.support_of(static_cast<int>(i));
    efforts[i]->take(
        {{object.begin(), object.end()}, {support.begin(), support.end()}, refined.objects.residual[i]},
        iterations[i]);
  }
}

std::vector<std::complex<float>> Effort::start() const {
  const auto turn = static_cast<std::size_t>(turn_);
  switch (step_) {
    case Step::climb:
    case Step::polish: {
      const auto object = std::span(starts_.object).subspan(turn * support_.size(), support_.size());
      return {object.begin(), object.end()};
    }
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
  if (iterations == 0) {  // there is nothing to work on
    done_ = true;
    if (answer.residual <= best_.residual) best_ = std::move(answer);
    return;
  }
  const bool again = step_ == Step::at_random && reproduces(answer);
  if (step_ == Step::polish) polished_.push_back(answer);
  found_.push_back(answer);
  if (is_better(answer)) {
    best_ = std::move(answer);
    as_it_came_ = false;
  }
  advance();
  // Few photons explain wrong images too: all starts are tried first.
  const bool tried = !noisy_ || done_ || step_ == Step::at_random;
  if (tried && best_.residual <= explained_)
    outcome_ = Outcome::explained;
  else if (again)
    outcome_ = Outcome::reproduced;
  done_ = done_ || outcome_ != Outcome::given_up;
  if (done_) compare_what_was_found();
}

/// How much all that was found agrees; where noise buries the pattern, and it does not, the average.
void Effort::compare_what_was_found() {
  if (found_.size() < 2) return;
  const auto count = static_cast<int>(found_.size());
  Results results{ObjectBatch(count, starts_.size), std::vector<int>(found_.size()), {}};
  for (int k = 0; k < count; ++k) {
    const Answer& answer = found_[static_cast<std::size_t>(k)];
    std::ranges::copy(answer.object, results.objects.object_of(k).begin());
    std::ranges::copy(answer.support, results.objects.support_of(k).begin());
    results.objects.residual[static_cast<std::size_t>(k)] = answer.residual;
  }
  Chosen chosen = choose(results, {}, m_, noisy_);
  confidence_.emplace();
  confidence_->agreement = chosen.agreement;
  confidence_->prtf = std::move(chosen.prtf);
  if (noise_ <= kBuried || chosen.agreement >= kDisagree) return;
  PatternBatch pattern(1, m_);
  std::ranges::copy(intensity_, pattern.intensity.begin());
  std::ranges::copy(measured_, pattern.measured.begin());
  Starts starts{
      count, starts_.size, {}, starts_.support, {.average = Averaging::always}, starts_.upper_limit};
  Refined average;
  Conclusion::begin(pattern, starts, average);
  Conclusion(m_, true)(pattern, starts, {}, 0, results, average);
  if (average.objects.residual[0] <= std::max(best_.residual, explained_))
    best_ = {std::move(average.objects.object), std::move(average.objects.support),
             average.objects.residual[0]};
}

bool Effort::is_better(const Answer& answer) const {
  if (best_.object.empty()) return true;
  double margin = 0;
  if (noisy_ && as_it_came_) margin += kLeaveFirst * static_cast<double>(std::ranges::count(support_, 1));
  if (noisy_ && step_ != Step::climb) margin += kSearched;
  return 2 * photons_ * (double{best_.residual} - double{answer.residual}) > margin;
}

void Effort::give(std::span<std::complex<float>> object, std::span<std::uint8_t> support) const {
  std::ranges::copy(best_.object, object.begin());
  std::ranges::copy(best_.support, support.begin());
  if (starts_.choosing.like_first_start)
    register_to(std::span(starts_.object).first(object.size()), object, support, starts_.size);
}

void Effort::advance() {
  if (++turn_ == starts_.per_frame && step_ != Step::at_random) {
    turn_ = 0;
    if (step_ == Step::polish) std::ranges::stable_sort(polished_, {}, &Answer::residual);
    step_ = step_ == Step::climb ? Step::polish : step_ == Step::polish ? Step::go_on : Step::at_random;
  }
  done_ = iterations_ + price_of(step_) > options_.iterations;
}

bool Effort::reproduces(const Answer& answer) const {
  return answer.residual < kSameResidual * best_.residual &&
         best_.residual < kSameResidual * answer.residual &&
         score::align(best_.object, answer.object, starts_.size, score::Translation::sub_pixel)
                 .real_space_error < kSameImage;
}

}  // namespace flashphase::refine
