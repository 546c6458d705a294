#include "engine/refine/cuda/program.h"

#include <algorithm>

#include "engine/refine/loop/algorithms.h"

namespace flashphase::refine::cuda {
namespace {

StepKind kind_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::aer:
      return StepKind::accelerate;
    case Algorithm::dm:
      return StepKind::difference_map;
    case Algorithm::oss:
      return StepKind::smooth;
    default:
      return StepKind::mix;  // what update_of says
  }
}

}  // namespace

FlatSchedule::FlatSchedule(const Schedule& schedule, std::chrono::nanoseconds time_limit) {
  for (const Step& step : schedule.steps) {
    ProgramStep flat;
    flat.kind = kind_of(step.algorithm);
    flat.iterations = step.iterations;
    flat.gives_candidates = step.algorithm == Algorithm::er || step.algorithm == Algorithm::aer;
    flat.beta = step.beta;
    flat.update = update_of(step);
    if (flat.iterations > 0) steps.push_back(flat);
  }
  program.step_count = static_cast<int>(steps.size());
  program.iterations = schedule.iterations();
  program.bounded = schedule.modulus != ModulusRule{};
  program.wraps = schedule.shrink_wrap.has_value();
  program.wrap = schedule.shrink_wrap.value_or(ShrinkWrap{});
  program.stops = schedule.stop.has_value();
  program.stop = schedule.stop.value_or(Stop{});
  constexpr std::chrono::hours longest(24 * 7);  // in milliseconds an int
  program.time_limit_ms = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                               std::min<std::chrono::nanoseconds>(time_limit, longest))
                                               .count());
}

bool FlatSchedule::is_plain() const {
  return !program.bounded && std::ranges::all_of(steps, [](const ProgramStep& step) {
    return (step.kind == StepKind::mix || step.kind == StepKind::accelerate) && step.update.is_plain();
  });
}

}  // namespace flashphase::refine::cuda
