#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/refine/cuda/fused_plane.h"
#include "engine/refine/cuda/pixels.h"
#include "engine/refine/cuda/shrink_wrap.h"
#include "engine/refine/cuda/starts.h"

namespace flashphase::refine::cuda {

/// The whole schedule from one start of one frame in one block. The loop is Loop's: between F and F^-1 the
/// modulus changes, between F^-1 and F the iterate. With kGeneral all that a schedule may hold, without it
/// what FlatSchedule::is_plain says.
template <int kSize, bool kGeneral, class Block, class Elements, class Floats>
class FusedKernel {
 public:
  using Fft = PlaneFft<kSize>;
  using Plane = FusedPlane<kSize, Block, Elements, Floats>;
  FLASHPHASE_DEVICE FusedKernel(Block& block, const FusedShared<Elements, Floats>& shared,
                                const StartsOnDevice& starts, const Program& program, int job)
      : block_(block),
        shared_(shared),
        starts_(starts),
        program_(program),
        job_(job),
        plane_(block, shared) {}

  FLASHPHASE_DEVICE void run() {
    Phase phase = frame_scale().energy > 0 ? Phase::scaling : Phase::over;
    const int begun = block_.now_ms();
    int step = 0, done_in_step = 0, done = 0;
    bool candidates = true, fresh = true;  // fresh: the plane does not hold the first pass of g
    load();
    while (phase != Phase::over) {
      if (phase == Phase::iteration) {
        if (step == program_.step_count || (done % kClockEvery == 0 && expired(begun))) {
          plane_.constrain();
          fresh = true;
          phase = Phase::last;
        } else if (const float part = part_before(done); part >= 0) {
          if (wrap(part)) {
            candidates = false;
            progress_.support_changed(done);
          }
          fresh = true;
        }
      }
      if (fresh) plane_.begin();
      fresh = false;
      const ProgramStep* current = program_.steps + step;
      const bool candidate = phase == Phase::last || (phase == Phase::iteration && candidates);
      const bool wants_fit =
          candidate || phase == Phase::scaling || (phase == Phase::iteration && program_.stops);
      change_coefficients(phase, current, done_in_step, wants_fit);
      const bool accelerates = phase == Phase::iteration && current->kind == StepKind::accelerate;
      if (accelerates && !wants_fit) factor_ = progress_.accelerate(false, 0);
      if (wants_fit) {
        const DeviceFit fit = DeviceFit::of(plane_.sums(), frame_scale().energy);
        if (accelerates) factor_ = progress_.accelerate(candidates && done_in_step > 0, fit.chi2);
        if (candidate) consider(fit);
        if (phase == Phase::last) break;
        if (phase == Phase::scaling) {
          plane_.scale(fit.scale);
          fresh = true;
          phase = Phase::iteration;
          continue;
        }
        if (program_.stops && progress_.stagnates(program_.stop, fit, done)) {
          plane_.constrain();
          fresh = true;
          phase = Phase::last;
          continue;
        }
      }
      advance(phase, *current);
      if (kGeneral && phase == Phase::iteration && has_second_half(*current)) {
        phase = Phase::second_half;
        continue;
      }
      phase = Phase::iteration;
      candidates = current->gives_candidates;
      ++done;
      if (++done_in_step == current->iterations) {
        done_in_step = 0;
        ++step;
      }
    }
    block_.each([&](int thread) {
      if (thread == 0) starts_.outcome[job_] = {progress_.best, done};
    });
  }

 private:
  /// What the transform now under way is for.
  enum class Phase { scaling, iteration, second_half, last, over };
  static FLASHPHASE_DEVICE bool has_second_half(const ProgramStep& step) {
    return step.kind == StepKind::difference_map || step.kind == StepKind::smooth;
  }

  static constexpr int kClockEvery = 16;
  static constexpr float kInverseCells = 1.0f / (static_cast<float>(kSize) * kSize);

  FLASHPHASE_DEVICE FrameScale frame_scale() const { return starts_.scale[job_ / starts_.per_frame]; }
  FLASHPHASE_DEVICE TargetPlanes target() const {
    return starts_.target(job_ / starts_.per_frame, kSize, kGeneral && program_.bounded);
  }

  FLASHPHASE_DEVICE bool expired(int begun) {
    block_.sync();
    block_.each([&](int thread) {
      if (thread == 0) shared_.scratch[0] = block_.now_ms() - begun >= program_.time_limit_ms ? 1.0f : 0.0f;
    });
    block_.sync();
    const float said = shared_.scratch[0];
    return said > 0;
  }

  /// Twists, modulus and the start inside its support, its largest part brought to 1.
  FLASHPHASE_DEVICE void load() {
    const int n = starts_.n, frame = job_ / starts_.per_frame;
    const TargetPlanes planes = target();
    const Complex* start = starts_.start + static_cast<std::size_t>(job_) * (n * n);
    const std::uint8_t* support = starts_.support + static_cast<std::size_t>(frame) * (n * n);
    const float largest = reduce<Larger, 1>(block_, shared_.scratch, [&](int thread) {
                            auto& own = plane_.registers(thread);
                            if (thread < Fft::kTwists) {
                              const float halves = -2.0f * static_cast<float>(thread) / kSize;
                              shared_.twists[thread] = Complex{block_.cos_pi(halves), block_.sin_pi(halves)};
                            }
                            if constexpr (Plane::kRoomy) {
                              for (int i = thread; i < kSize * kSize; i += Fft::kThreads)
                                shared_.modulus[i] = planes.modulus[i];
                            }
                            Plane::for_each_object_pixel(thread, starts_.n, [&](int, int at) {
                              if constexpr (Plane::kRoomy) {
                                shared_.last[at / n * Plane::kLastRow + at % n] = Complex{0, 0};
                              } else {
                                starts_.last[static_cast<std::size_t>(job_) * (n * n) + at] = Complex{0, 0};
                              }
                            });
                            own.support = 0;
                            Plane::for_each_pixel([&](int i) { own.g[i] = {0, 0}; });
                            float most = 0;
                            Plane::for_each_object_pixel(thread, starts_.n, [&](int i, int at) {
                              if (!support[at]) return;
                              own.support |= 1u << i;
                              own.g[i] = start[at];
                              most = Larger::combine(most, fabsf(own.g[i].re));
                              most = Larger::combine(most, fabsf(own.g[i].im));
                            });
                            return Values<1>{{most}};
                          }).value[0];
    if (!(largest > 0)) return;
    block_.each([&](int thread) {  // by division: 1 / largest may be infinite
      auto& own = plane_.registers(thread);
      Plane::for_each_pixel([&](int i) { own.g[i] = {own.g[i].re / largest, own.g[i].im / largest}; });
    });
  }

  FLASHPHASE_DEVICE Complex with_modulus(Complex f, const TargetPlanes& planes, int i, bool wants_sums,
                                         Sums& sums) const {
    float modulus;
    if constexpr (Plane::kRoomy) {
      modulus = shared_.modulus[i];
    } else {
      modulus = planes.modulus[i];
    }
    if (kGeneral && program_.bounded)
      return projected<true>(block_, f, modulus, planes, i, kInverseCells, wants_sums, sums);
    return projected<false>(block_, f, modulus, planes, i, kInverseCells, wants_sums, sums);
  }

  static FLASHPHASE_DEVICE Complex smoothed(Complex f, int i, float width) {
    const int at = fused_order<kSize>(i), ky = at % kSize, kx = at / kSize;
    return (smooth_weight(ky, kSize, width) * smooth_weight(kx, kSize, width) * kInverseCells) * f;
  }

  /// The modulus put in place, or the filter of OSS.
  FLASHPHASE_DEVICE void change_coefficients(Phase phase, const ProgramStep* step, int done_in_step,
                                             bool wants_sums) {
    const bool smooths = kGeneral && phase == Phase::second_half && step->kind == StepKind::smooth;
    const float width = smooths ? smooth_width(done_in_step, step->iterations, kSize) : 0.0f;
    const TargetPlanes planes = target();
    plane_.to_fourier_space([&](Complex f, int i, Sums& sums) {
      return smooths ? smoothed(f, i, width) : with_modulus(f, planes, i, wants_sums, sums);
    });
  }

  FLASHPHASE_DEVICE void advance(Phase phase, const ProgramStep& step) {
    plane_.to_real_space([&](int thread, auto change) {
      if (step.kind == StepKind::accelerate) {
        change([&](Complex p, Complex& g, bool inside, int i) {
          return g = accelerate(thread, i, step.update, p, inside);
        });
      } else if constexpr (kGeneral) {
        change_generally(phase, step, change);
      } else {
        const Update::Mix outside = step.update.outside;
        change([&](Complex p, Complex& g, bool inside, int) {
          return g = plainly_updated(outside, p, g, inside);
        });
      }
    });
  }

  /// Accelerated ER of pixel i of a thread. Outside the object's corner x is zero, and was.
  FLASHPHASE_DEVICE Complex accelerate(int thread, int i, const Update& update, Complex p, bool inside) {
    const int n = starts_.n, y = Plane::pixel_y(thread, i), x = Plane::pixel_x(thread);
    if (y >= n || x >= n) return {0, 0};
    if constexpr (Plane::kRoomy) {
      Complex last = shared_.last[y * Plane::kLastRow + x];
      const Complex g = accelerated(update, p, last, inside, factor_);
      shared_.last[y * Plane::kLastRow + x] = last;
      return g;
    } else {
      return accelerated(update, p, starts_.last[static_cast<std::size_t>(job_) * (n * n) + (y * n + x)],
                         inside, factor_);
    }
  }

  template <class Change>
  static FLASHPHASE_DEVICE void change_generally(Phase phase, const ProgramStep& step, Change change) {
    if (step.kind == StepKind::difference_map) {
      if (phase == Phase::second_half)
        change([&](Complex p, Complex& g, bool, int) { return g = end_difference(step, p, g); });
      else
        change([&](Complex p, Complex& g, bool inside, int) { return begin_difference(step, p, g, inside); });
    } else if (phase == Phase::second_half) {
      change([&](Complex p, Complex& g, bool inside, int) { return g = inside ? g : p; });
    } else {
      change([&](Complex p, Complex& g, bool inside, int) { return g = updated(step.update, p, g, inside); });
    }
  }

  /// Writes g to the result if it is the best candidate so far.
  FLASHPHASE_DEVICE void consider(const DeviceFit& fit) {
    if (!progress_.improves(fit)) return;
    const float scale = fit.scale * frame_scale().unit;
    const std::size_t first = static_cast<std::size_t>(job_) * (starts_.n * starts_.n);
    block_.each([&](int thread) {
      auto& own = plane_.registers(thread);
      Plane::for_each_object_pixel(thread, starts_.n, [&](int i, int at) {
        starts_.object[first + at] = scale * own.g[i];
        starts_.best_support[first + at] = static_cast<std::uint8_t>(own.support >> i & 1u);
      });
    });
  }

  /// Of the shrink-wrap that is due before iteration `done`, or a negative number.
  FLASHPHASE_DEVICE float part_before(int done) const {
    return program_.wraps ? program_.wrap.part_at(done, program_.iterations) : -1.0f;
  }

  /// Says whether the support changed. Takes the plane.
  FLASHPHASE_DEVICE bool wrap(float part) {
    const int n = starts_.n, cells = n * n;
    block_.sync();
    block_.each([&](int thread) {
      auto& own = plane_.registers(thread);
      Plane::for_each_object_pixel(thread, starts_.n, [&](int i, int at) {
        shared_.workspace[at] = sqrtf(own.g[i].re * own.g[i].re + own.g[i].im * own.g[i].im);
      });
    });
    if (!shrink_wrap(block_, program_.wrap, part, n, starts_.limit_of(job_ / starts_.per_frame),
                     shared_.workspace, shared_.workspace + cells, shared_.workspace + 2 * cells,
                     shared_.scratch)) {
      return false;
    }
    return reduce<Larger, 1>(block_, shared_.scratch, [&](int thread) {
             auto& own = plane_.registers(thread);
             std::uint32_t support = 0;
             Plane::for_each_object_pixel(thread, starts_.n, [&](int i, int at) {
               const float inside = shared_.workspace[at];
               if (inside > 0) support |= 1u << i;
             });
             const bool same = support == own.support;
             own.support = support;
             return Values<1>{{same ? 0.0f : 1.0f}};
           }).value[0] > 0;
  }

  Block& block_;
  const FusedShared<Elements, Floats>& shared_;
  const StartsOnDevice& starts_;
  const Program& program_;
  int job_;
  Progress progress_;
  float factor_ = 0;  // of accelerated ER, in this iteration
  Plane plane_;
};

}  // namespace flashphase::refine::cuda
