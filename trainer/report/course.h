#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/refine/loop/iterate.h"
#include "engine/refine/loop/support_update.h"
#include "engine/refine/schedule.h"

namespace flashphase::trainer::report {

/// A start on its way through a schedule.
struct Course {
  std::vector<double> chi2;  ///< of the modulus of the iterate after 0, every, 2 every ... iterations
  std::vector<std::vector<std::complex<float>>> objects;  ///< [n, n] inside the support, at the same times
};

/// Iterates as a Solver does, and looks at the iterate itself, where a Solver gives the best of all. Thread:
/// one.
class CourseMaker {
 public:
  CourseMaker(int m, int n) : iterate_(m), support_update_(n), n_(n) {}

  /// Precondition: the schedule has no steps but ER, HIO, SF, RAAR, HPR, CHIO and RRR. Keeps objects where
  /// `pictures` asks for them, and the last one.
  Course operator()(std::span<const float> intensity, std::span<const std::uint8_t> measured,
                    std::span<const std::complex<float>> start, std::span<const std::uint8_t> support,
                    const refine::Schedule& schedule, int every, bool pictures);

 private:
  std::vector<std::complex<float>> object() const;

  refine::Iterate iterate_;
  refine::SupportUpdate support_update_;
  int n_;
};

}  // namespace flashphase::trainer::report
