#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/frame/reconstruction.h"
#include "engine/refine/schedule.h"

namespace flashphase::refine {

/// Starts for a batch: K per frame. `object` in any scale; the solver fits the scale to the pattern.
struct Starts {
  int per_frame = 1;                        ///< K
  int size = 0;                             ///< n <= m/2
  std::vector<std::complex<float>> object;  ///< [B, K, n, n]
  std::vector<std::uint8_t> support;        ///< [B, n, n] 1 = inside
};

/// Result of a batch: per frame the start with the lowest residual.
struct Refined {
  ObjectBatch objects;          ///< residual filled
  std::vector<int> iterations;  ///< [B] iterations done
};

/// Batch of patterns + starts + schedule to refined images. Unmeasured pixels float free, they are never set to zero.
/// Seam: CPU here; CUDA solvers implement the same and pass the same conformance suite.
///
/// Thread: an instance serves one thread at a time. Blocking: computes and returns. Throws std::invalid_argument naming
/// what does not fit (shapes, empty support, no measured pixel, n > m/2, NaN in the pattern).
class Solver {
 public:
  virtual ~Solver() = default;
  virtual void solve(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule, Refined& out) = 0;
};

std::unique_ptr<Solver> make_cpu_solver();

/// The start that a network's answer gives: its object, its support as amplitude > threshold of the maximum, grown by
/// `grow` pixels (smooth edges are eaten by tighter supports; see docs).
Starts starts_from(const ObjectBatch& objects, float threshold = 0.05f, int grow = 1);

}  // namespace flashphase::refine
