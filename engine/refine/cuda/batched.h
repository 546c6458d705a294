#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/refine/cuda/fused.h"

namespace flashphase::refine::cuda {

/// A start on its way through a schedule, between kernels.
struct JobState {
  Progress progress;
  float start_scale = 1;  ///< that puts the start onto the pattern's scale
  float factor = 0;       ///< of accelerated ER, in this iteration
  float best_scale = 1;   ///< of the candidate that has just become the best
  bool improved = false;
  bool stopped = false;
  int stopped_at = 0;
  int changed_at = -1;  ///< iteration before which the support changed last
};

/// A window of jobs, by value; the arrays other than `starts` are the window's. m x m planes lie in the order
/// of the transform, the object in the corner.
struct BatchedWindow {
  StartsOnDevice starts;
  bool bounded = false;
  int m = 0;
  int first = 0;  ///< index of the window's first job
  int jobs = 0;
  Complex* g = nullptr;             ///< [jobs, m, m]
  Complex* work = nullptr;          ///< [jobs, m, m]
  std::uint8_t* support = nullptr;  ///< [jobs, n, n]
  float* scratch = nullptr;         ///< [jobs, wrap_scratch]
  Sums* partials = nullptr;         ///< [jobs, tiles]
  JobState* state = nullptr;        ///< [jobs]
  Complex* last = nullptr;          ///< [jobs, n, n] of accelerated ER

  FLASHPHASE_HD int cells() const { return m * m; }
  FLASHPHASE_HD int object_cells() const { return starts.n * starts.n; }
  FLASHPHASE_HD int frame_of(int job) const { return (first + job) / starts.per_frame; }
  FLASHPHASE_HD std::size_t at(int job) const {
    return static_cast<std::size_t>(job) * static_cast<std::size_t>(cells());
  }
  FLASHPHASE_HD std::size_t object_at(int job) const {
    return static_cast<std::size_t>(job) * static_cast<std::size_t>(object_cells());
  }
  /// Floats that a shrink-wrap of one job takes.
  FLASHPHASE_HD std::size_t wrap_scratch() const {
    return 2 * static_cast<std::size_t>(object_cells()) + static_cast<std::size_t>(starts.n) + 1;
  }
};

/// Elementwise kernels run blocks of kTileThreads over tiles of a job's plane, kTile elements each.
constexpr int kTileThreads = 256;
constexpr int kTile = 4 * kTileThreads;
FLASHPHASE_HD int tiles_of(int cells) {
  return (cells + kTile - 1) / kTile;
}

/// work(i) for the elements of a tile that there are.
template <class Work>
FLASHPHASE_DEVICE void for_each_in_tile(int thread, int tile, int cells, Work work) {
  FLASHPHASE_UNROLL
  for (int k = 0; k < kTile / kTileThreads; ++k) {
    const int i = tile * kTile + k * kTileThreads + thread;
    if (i < cells) work(i);
  }
}

/// g = the start inside its support, its largest part brought to 1; the state anew. One block a job;
/// `scratch` holds a float for each thread.
template <class Block, class Floats>
FLASHPHASE_DEVICE void load_start(Block& block, const BatchedWindow& window, int job, Floats scratch) {
  const int n = window.starts.n, m = window.m;
  const Complex* start = window.starts.start + window.object_at(window.first + job);
  const std::uint8_t* given = window.starts.support + window.object_at(window.frame_of(job));
  std::uint8_t* support = window.support + window.object_at(job);
  const float largest = reduce<Larger, 1>(block, scratch, [&](int thread) {
                          float most = 0;
                          for (int i = thread; i < n * n; i += block.threads()) {
                            support[i] = given[i] != 0;
                            window.last[window.object_at(job) + static_cast<std::size_t>(i)] = {0, 0};
                            if (!given[i]) continue;
                            most = Larger::combine(most, fabsf(start[i].re));
                            most = Larger::combine(most, fabsf(start[i].im));
                          }
                          return Values<1>{{most}};
                        }).value[0];
  Complex* g = window.g + window.at(job);
  spread(block, m * m, [&](int i) {
    const int y = i / m, x = i % m, from = y * n + x;
    const bool inside = y < n && x < n && support[from] && largest > 0;
    g[i] = inside ? Complex{start[from].re / largest, start[from].im / largest} : Complex{0, 0};
  });
  block.each([&](int thread) {
    if (thread == 0) window.state[job] = JobState{};
  });
}

/// The modulus put in place in a tile of `work`, times 1 / m^2, and its share of the sums where they are
/// wanted. `scratch` holds three floats for each thread.
template <bool kBounded, class Block, class Floats>
FLASHPHASE_DEVICE void project_tile(Block& block, const BatchedWindow& window, int job, int tile,
                                    bool wants_sums, Floats scratch) {
  const TargetPlanes target = window.starts.target(window.frame_of(job), window.m, kBounded);
  Complex* work = window.work + window.at(job);
  const float scale = 1.0f / static_cast<float>(window.cells());
  const auto change = [&](int thread) {
    Sums sums;
    for_each_in_tile(thread, tile, window.cells(), [&](int i) {
      work[i] = projected<kBounded>(block, work[i], target.modulus[i], target, i, scale, wants_sums, sums);
    });
    return Values<3>{{sums.aa, sums.ae, sums.ee}};
  };
  if (!wants_sums) {
    block.each([&](int thread) { change(thread); });
    return;
  }
  const Values<3> sums = reduce<Add, 3>(block, scratch, change);
  block.each([&](int thread) {
    if (thread == 0)
      window.partials[job * tiles_of(window.cells()) + tile] = {sums.value[0], sums.value[1], sums.value[2]};
  });
}

/// What is done with the sums of an iteration.
struct Decision {
  enum class What { start, iterate, last } what = What::iterate;
  bool candidate = false;
  bool stops = false;
  bool accelerates = false;  ///< the iteration is accelerated ER ...
  bool goes_on = false;      ///< ... and the one before was, of the same step
  int done = 0;
  Stop stop;
};

/// One thread a job, after project_tile with sums.
FLASHPHASE_DEVICE void decide(const BatchedWindow& window, int job, const Decision& decision) {
  JobState state = window.state[job];
  const int tiles = tiles_of(window.cells());
  Sums sums;
  for (int tile = 0; tile < tiles; ++tile) {
    const Sums part = window.partials[job * tiles + tile];
    sums.aa += part.aa;
    sums.ae += part.ae;
    sums.ee += part.ee;
  }
  const DeviceFit fit = DeviceFit::of(sums, window.starts.scale[window.frame_of(job)].energy);
  state.improved = false;
  if (decision.what == Decision::What::start) {
    state.start_scale = fit.scale;
  } else if (!state.stopped || decision.what == Decision::What::last) {
    const bool candidate = decision.candidate && state.changed_at != decision.done;
    if (candidate) state.improved = state.progress.improves(fit);
    if (decision.accelerates)
      state.factor = state.progress.accelerate(decision.goes_on && candidate, fit.chi2);
    if (state.improved) state.best_scale = fit.scale * window.starts.scale[window.frame_of(job)].unit;
    if (decision.stops && !state.stopped && state.progress.stagnates(decision.stop, fit, decision.done)) {
      state.stopped = true;
      state.stopped_at = decision.done;
    }
  }
  window.state[job] = state;
  if (decision.what == Decision::What::last)
    window.starts.outcome[window.first + job] = {state.progress.best,
                                                 state.stopped ? state.stopped_at : decision.done};
}

/// What is done with the pixels of g once `work` is back in real space.
enum class PixelOperation {
  none,
  scale_start,
  mix,
  accelerate,
  begin_difference,
  end_difference,
  replace_outside,
  constrain
};

/// A tile of g; with `keeps`, g as it was goes to the results first where it has become the best candidate.
FLASHPHASE_DEVICE void update_tile(const BatchedWindow& window, int job, int tile, int thread,
                                   PixelOperation operation, const ProgramStep& step, bool keeps) {
  const JobState& state = window.state[job];
  const int n = window.starts.n, m = window.m;
  const bool keep = keeps && state.improved;
  const bool rests = state.stopped && operation != PixelOperation::constrain;
  if (!keep && (rests || operation == PixelOperation::none)) return;
  for_each_in_tile(thread, tile, window.cells(), [&](int i) {
    const int y = i / m, x = i % m;
    const bool in_corner = y < n && x < n;
    const std::size_t pixel = static_cast<std::size_t>(y * n + x);
    const bool inside = in_corner && window.support[window.object_at(job) + pixel] != 0;
    Complex& g = window.g[window.at(job) + static_cast<std::size_t>(i)];
    if (keep && in_corner) {
      const std::size_t to = window.object_at(window.first + job) + pixel;
      window.starts.object[to] = state.best_scale * g;
      window.starts.best_support[to] = inside;
    }
    if (rests) return;
    Complex& p = window.work[window.at(job) + static_cast<std::size_t>(i)];
    switch (operation) {
      case PixelOperation::none:
        break;
      case PixelOperation::scale_start:
        g = state.start_scale * g;
        break;
      case PixelOperation::mix:
        g = updated(step.update, p, g, inside);
        break;
      case PixelOperation::accelerate:
        g = in_corner ? accelerated(step.update, p, window.last[window.object_at(job) + pixel], inside,
                                    state.factor)
                      : Complex{0, 0};
        break;
      case PixelOperation::begin_difference:
        p = begin_difference(step, p, g, inside);
        break;
      case PixelOperation::end_difference:
        g = end_difference(step, p, g);
        break;
      case PixelOperation::replace_outside:
        if (!inside) g = p;
        break;
      case PixelOperation::constrain:
        if (!inside) g = {0, 0};
        break;
    }
  });
}

/// The filter of OSS on a tile of `work`, times 1 / m^2.
FLASHPHASE_DEVICE void smooth_tile(const BatchedWindow& window, int job, int tile, int thread, float width) {
  const int m = window.m;
  const float scale = 1.0f / static_cast<float>(window.cells());
  for_each_in_tile(thread, tile, window.cells(), [&](int i) {
    Complex& f = window.work[window.at(job) + static_cast<std::size_t>(i)];
    f = (scale * smooth_weight(i / m, m, width) * smooth_weight(i % m, m, width)) * f;
  });
}

/// Shrink-wrap before iteration `done`. One block a job; `scratch` holds a float for each thread.
template <class Block, class Floats>
FLASHPHASE_DEVICE void wrap_job(Block& block, const BatchedWindow& window, int job, const ShrinkWrap& rule,
                                float part, int done, Floats scratch) {
  if (window.state[job].stopped) return;
  const int n = window.starts.n, m = window.m, cells = n * n;
  const Complex* g = window.g + window.at(job);
  std::uint8_t* support = window.support + window.object_at(job);
  Floats plane = window.scratch + static_cast<std::size_t>(job) * window.wrap_scratch();
  spread(block, cells, [&](int i) {
    const Complex value = g[i / n * m + i % n];
    plane[i] = sqrtf(value.re * value.re + value.im * value.im);
  });
  if (!shrink_wrap(block, rule, part, n, window.starts.limit_of(window.frame_of(job)), plane, plane + cells,
                   plane + 2 * cells, scratch))
    return;
  const float changed = reduce<Larger, 1>(block, scratch, [&](int thread) {
                          float different = 0;
                          for (int i = thread; i < cells; i += block.threads()) {
                            const bool inside = plane[i] > 0;
                            if (inside != (support[i] != 0)) different = 1;
                            support[i] = inside;
                          }
                          return Values<1>{{different}};
                        }).value[0];
  block.each([&](int thread) {
    if (thread != 0 || !(changed > 0)) return;
    window.state[job].changed_at = done;
    window.state[job].progress.support_changed(done);
  });
}

/// How many jobs have not stopped, in one block; `scratch` as above.
template <class Block, class Floats>
FLASHPHASE_DEVICE int active_jobs(Block& block, const BatchedWindow& window, Floats scratch) {
  const float active = reduce<Add, 1>(block, scratch, [&](int thread) {
                         float own = 0;
                         for (int job = thread; job < window.jobs; job += block.threads())
                           own += window.state[job].stopped ? 0.0f : 1.0f;
                         return Values<1>{{own}};
                       }).value[0];
  return static_cast<int>(active);
}

}  // namespace flashphase::refine::cuda
