#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "engine/device/host_device.h"
#include "engine/refine/loop/loop.h"
#include "engine/refine/schedule.h"

namespace flashphase::refine::cuda {

enum class StepKind { mix, accelerate, difference_map, smooth };

/// A step of a schedule as a kernel reads it.
struct ProgramStep {
  StepKind kind = StepKind::mix;
  int iterations = 0;
  bool gives_candidates = false;  ///< its iterates are zero outside the support
  float beta = 0;                 ///< of the difference map
  Update update;                  ///< of the others, and the difference map's constraints
};

/// A schedule as a kernel takes it, by value; `steps` lies where the kernel can read.
struct Program {
  const ProgramStep* steps = nullptr;
  int step_count = 0;
  int iterations = 0;
  bool bounded = false;  ///< the modulus has bounds
  bool wraps = false;
  bool stops = false;
  ShrinkWrap wrap;
  Stop stop;
  int time_limit_ms = 0;  ///< a start that takes longer ends with its best candidate
};

/// The steps and the rest, with `steps` of the program pointing nowhere.
struct FlatSchedule {
  explicit FlatSchedule(const Schedule& schedule, std::chrono::nanoseconds time_limit);

  /// Only ER, plain or accelerated, plain mixes of P and g, and the exact modulus: the leaner kernels do.
  bool is_plain() const;

  std::vector<ProgramStep> steps;
  Program program;
};

/// What the fit of an iterate is computed from, over measured coefficients: a = |F|, e = a - sqrt(I).
struct Sums {
  float aa = 0, ae = 0, ee = 0;

  FLASHPHASE_HD void add(float a, float e) {
    aa += a * a;
    ae += a * e;
    ee += e * e;
  }
};

/// As Iterate's; not finite when the iterate is not.
struct DeviceFit {
  float chi2 = 1, scale = 1;

  FLASHPHASE_HD static DeviceFit of(const Sums& sums, float energy) {
    if (sums.aa <= 0 || energy <= 0) return {};
    const double aa = static_cast<double>(sums.aa), ae = static_cast<double>(sums.ae),
                 ee = static_cast<double>(sums.ee);
    const double rest = (ee - ae * ae / aa) / static_cast<double>(energy);
    return {rest < 0 ? 0.0f : static_cast<float>(rest), static_cast<float>(1 - ae / aa)};
  }
  FLASHPHASE_HD bool finite() const { return chi2 - chi2 == 0 && scale - scale == 0; }
};

/// How far a start has come; the same decisions as the CPU solver's.
struct Progress {
  static constexpr float kNone = std::numeric_limits<float>::infinity();

  float best = kNone;    ///< chi^2 of the best candidate since the support changed
  float lowest = kNone;  ///< of all iterates since then
  int lowest_at = 0;
  float momentum = 1;     ///< t of accelerated ER (Iterate::accelerate) ...
  float last = kNone;     ///< ... and the chi^2 that must not be risen above
  bool outdated = false;  ///< the next candidate replaces the best whatever it is

  /// The support changed before iteration `done`.
  FLASHPHASE_HD void support_changed(int done) {
    outdated = true;
    lowest = kNone;
    lowest_at = done;
  }

  /// Whether a candidate with this fit becomes the best.
  FLASHPHASE_HD bool improves(const DeviceFit& fit) {
    if (!fit.finite() || (fit.chi2 >= best && !outdated)) return false;
    best = fit.chi2;
    outdated = false;
    return true;
  }

  /// How far accelerated ER goes on, (t - 1) / t'; `goes_on`: the iterate before was one of it, and `chi2` is
  /// its.
  FLASHPHASE_HD float accelerate(bool goes_on, float chi2) {
    if (!goes_on || chi2 > last) momentum = 1;
    const float before = momentum;
    momentum = (1 + sqrtf(1 + 4 * before * before)) / 2;
    last = goes_on ? chi2 : kNone;
    return (before - 1) / momentum;
  }

  FLASHPHASE_HD bool stagnates(const Stop& stop, const DeviceFit& fit, int done) {
    if (!(fit.chi2 >= lowest * (1 - stop.gain))) {
      lowest = fit.chi2;
      lowest_at = done;
    }
    return fit.chi2 < stop.below || done - lowest_at >= stop.after;
  }
};

/// Filter of OSS in iteration `done` of a step, as oss_width (algorithms.h).
FLASHPHASE_HD float smooth_width(int done, int iterations, int m) {
  constexpr int stages = 10;
  const auto stage =
      static_cast<int>(static_cast<long long>(done) * stages / (iterations > 1 ? iterations : 1));
  return static_cast<float>(m) * static_cast<float>(stages - (stage < stages ? stage : stages - 1)) / stages;
}

}  // namespace flashphase::refine::cuda
