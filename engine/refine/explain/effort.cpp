#include "engine/refine/explain/effort.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/refine/starts/conclude.h"
#include "engine/refine/starts/registration.h"
#include "engine/score/align.h"
#include "engine/score/noise.h"

namespace flashphase::refine {
namespace {

/// Two answers are the same image where their residuals differ by no more than this factor ...
constexpr float kSameResidual = 1.3f;
/// ... and the real-space error of one against the other is below this.
constexpr float kSameImage = 0.01f;

const Schedule& look() {
  static const Schedule schedule = parse_schedule("1*ER");
  return schedule;
}
const Schedule& polish_schedule() {
  static const Schedule schedule = parse_schedule("polish");
  return schedule;
}
const Schedule& rest_of_thorough() {
  static const Schedule schedule = parse_schedule("765*HIO+135*AER");
  return schedule;
}
const Schedule& thorough() {
  static const Schedule schedule = parse_schedule("thorough");
  return schedule;
}

template <class T, class Range>
void append(std::vector<T>& all, const Range& more) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

bool is_counted(std::span<const float> intensity, std::span<const std::uint8_t> measured) {
  for (std::size_t i = 0; i < intensity.size(); ++i)
    if (measured[i] && intensity[i] != std::floor(intensity[i])) return false;
  return true;
}

Efforts::Efforts(Solver& solver, const ExplainOptions& options, const PatternBatch& patterns,
                 const Starts& starts)
    : solver_(solver),
      options_(options),
      patterns_(patterns),
      starts_(starts),
      cells_(static_cast<std::size_t>(starts.size) * static_cast<std::size_t>(starts.size)),
      efforts_(static_cast<std::size_t>(patterns.count)) {
  for (int frame = 0; frame < patterns.count; ++frame) {
    Effort& effort = efforts_[static_cast<std::size_t>(frame)];
    const auto intensity = patterns.intensity_of(frame);
    const auto measured = patterns.measured_of(frame);
    effort.frame = frame;
    effort.support = starts.support_of(frame);
    effort.counted = is_counted(intensity, measured);
    effort.explained =
        effort.counted ? options.noise * score::noise_residual(intensity, measured) : options.exact;
  }
}

std::span<const std::complex<float>> Efforts::starts_of(const Effort& effort, int first, int count) const {
  const auto per_frame = static_cast<std::size_t>(starts_.per_frame);
  const std::size_t index =
      static_cast<std::size_t>(effort.frame) * per_frame + static_cast<std::size_t>(first);
  return std::span(starts_.object).subspan(index * cells_, static_cast<std::size_t>(count) * cells_);
}

void Efforts::run(const Round& round) {
  std::vector<Effort*> frames;
  PatternBatch patterns(0, patterns_.size);
  Starts starts{round.per_frame, starts_.size, {}, {}, round.choosing};
  for (Effort& effort : efforts_) {
    if (effort.done) continue;
    const auto objects = round.start(effort);
    if (objects.empty()) continue;
    if (effort.iterations + round.schedule.iterations() * round.per_frame > options_.iterations) {
      effort.done = true;
      continue;
    }
    frames.push_back(&effort);
    ++patterns.count;
    append(patterns.intensity, patterns_.intensity_of(effort.frame));
    append(patterns.measured, patterns_.measured_of(effort.frame));
    append(starts.object, objects);
    append(starts.support, effort.support);
    append(starts.upper_limit, starts_.upper_limit_of(effort.frame));
  }
  if (frames.empty()) return;
  Refined refined;
  solver_.solve(patterns, starts, round.schedule, refined);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto object = refined.objects.object_of(static_cast<int>(i));
    const auto support = refined.objects.support_of(static_cast<int>(i));
    frames[i]->iterations += round.per_frame * refined.iterations[i];
    frames[i]->done = refined.iterations[i] == 0;  // there is nothing to work on
    round.take(
        *frames[i],
        {{object.begin(), object.end()}, {support.begin(), support.end()}, refined.objects.residual[i]});
  }
}

void Efforts::keep(Effort& effort, const Answer& answer) {
  if (effort.best.object.empty() || answer.residual < effort.best.residual) effort.best = answer;
  if (effort.best.residual > effort.explained) return;
  effort.done = true;
  effort.outcome = Outcome::explained;
}

void Efforts::look_at_counted() {
  const auto first = [this](int count) {
    return [this, count](const Effort& effort) {
      return effort.counted ? starts_of(effort, 0, count) : std::span<const std::complex<float>>();
    };
  };
  run({.schedule = look(), .start = first(1), .take = &keep});
  run({.schedule = polish_schedule(),
       .start = first(starts_.per_frame),
       .take = &keep,
       .per_frame = starts_.per_frame,
       .choosing = starts_.choosing});
}

void Efforts::polish(int k) {
  run({.schedule = polish_schedule(),
       .start = [this, k](const Effort& effort) { return starts_of(effort, k, 1); },
       .take =
           [](Effort& effort, Answer answer) {
             keep(effort, answer);
             effort.polished.push_back(std::move(answer));
           }});
}

void Efforts::go_on(int k) {
  if (k == 0)
    for (Effort& effort : efforts_) std::ranges::stable_sort(effort.polished, {}, &Answer::residual);
  const auto from = static_cast<std::size_t>(k);
  run({.schedule = rest_of_thorough(),
       .start = [from](const Effort& effort) { return std::span(effort.polished[from].object); },
       .take = &keep});
}

void Efforts::try_at_random(std::uint64_t round) {
  std::vector<std::complex<float>> random;
  run({.schedule = thorough(),
       .start =
           [&](const Effort& effort) {
             Starts one{0, starts_.size, {}, effort.support};
             add_random_starts(one, 1, options_.seed + round);
             random = std::move(one.object);
             return std::span<const std::complex<float>>(random);
           },
       .take =
           [this](Effort& effort, const Answer& answer) {
             const bool again = same(effort.best, answer);
             keep(effort, answer);
             if (effort.done || !again) return;
             effort.done = true;
             effort.outcome = Outcome::reproduced;
           }});
}

bool Efforts::same(const Answer& a, const Answer& b) const {
  return a.residual < kSameResidual * b.residual && b.residual < kSameResidual * a.residual &&
         score::align(a.object, b.object, starts_.size, score::Translation::sub_pixel).real_space_error <
             kSameImage;
}

bool Efforts::any_left() const {
  return std::ranges::any_of(efforts_, [](const Effort& effort) { return !effort.done; });
}

void Efforts::give(Refined& out) const {
  Conclusion::begin(patterns_, starts_, out);
  out.agreement.clear();
  out.prtf.clear();
  for (const Effort& effort : efforts_) {
    const int frame = effort.frame;
    const auto object = out.objects.object_of(frame);
    const auto support = out.objects.support_of(frame);
    std::ranges::copy(effort.best.object, object.begin());
    std::ranges::copy(effort.best.support, support.begin());
    out.objects.residual[static_cast<std::size_t>(frame)] = effort.best.residual;
    out.iterations[static_cast<std::size_t>(frame)] = effort.iterations;
    out.outcomes.push_back(effort.outcome);
    if (starts_.choosing.like_first_start && starts_.upper_limit.empty())
      register_to(starts_of(effort, 0, 1), object, support, starts_.size);
  }
}

}  // namespace flashphase::refine
