#include "engine/refine/cuda/batched_driver.h"

#include <chrono>

namespace flashphase::refine::cuda {
namespace {

constexpr int kClockEvery = 16;  // iterations between two looks at the clock
constexpr int kStopEvery = 64;   // and between two questions whether all have stopped

/// The second half of an iteration, from the projection in `work`.
void advance(BatchedKernels& kernels, const ProgramStep& step, int done_in_step, int m, bool keeps) {
  kernels.inverse();
  if (step.kind == StepKind::difference_map) {
    kernels.update(PixelOperation::begin_difference, step, keeps);
    kernels.forward_work();
    kernels.project(false);
    kernels.inverse();
    kernels.update(PixelOperation::end_difference, step, false);
    return;
  }
  const bool accelerates = step.kind == StepKind::accelerate;
  kernels.update(accelerates ? PixelOperation::accelerate : PixelOperation::mix, step, keeps);
  if (step.kind != StepKind::smooth) return;
  kernels.forward_iterate();
  kernels.smooth(smooth_width(done_in_step, step.iterations, m));
  kernels.inverse();
  kernels.update(PixelOperation::replace_outside, step, false);
}

void finish(BatchedKernels& kernels, int done) {
  kernels.update(PixelOperation::constrain, {}, false);
  kernels.forward_iterate();
  kernels.project(true);
  kernels.decide({.what = Decision::What::last, .candidate = true, .done = done, .stop = {}});
  kernels.update(PixelOperation::none, {}, true);
}

}  // namespace

void run_batched(BatchedKernels& kernels, const FlatSchedule& flat, int m) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begun = Clock::now();
  const std::chrono::milliseconds limit(flat.program.time_limit_ms);
  const Program& program = flat.program;
  kernels.load_starts();
  kernels.forward_iterate();
  kernels.project(true);
  kernels.decide({.what = Decision::What::start, .stop = {}});
  kernels.update(PixelOperation::scale_start, {}, false);
  int done = 0;
  bool candidates = true;
  for (const ProgramStep& step : flat.steps) {
    for (int i = 0; i < step.iterations; ++i, ++done) {
      if (done % kClockEvery == 0 && Clock::now() - begun >= limit) return finish(kernels, done);
      if (program.stops && done > 0 && done % kStopEvery == 0 && kernels.all_stopped())
        return finish(kernels, done);
      if (program.wraps) {
        const float part = program.wrap.part_at(done, program.iterations);
        if (part >= 0) kernels.wrap(program.wrap, part, done);
      }
      const bool accelerates = step.kind == StepKind::accelerate;
      const bool wants_sums = candidates || program.stops || accelerates;
      kernels.forward_iterate();
      kernels.project(wants_sums);
      if (wants_sums)
        kernels.decide({.candidate = candidates,
                        .stops = program.stops,
                        .accelerates = accelerates,
                        .goes_on = i > 0,
                        .done = done,
                        .stop = program.stop});
      advance(kernels, step, i, m, candidates);
      candidates = step.gives_candidates;
    }
  }
  finish(kernels, done);
}

}  // namespace flashphase::refine::cuda
