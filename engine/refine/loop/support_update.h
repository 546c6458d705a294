#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/refine/schedule.h"

namespace flashphase::refine {

/// Shrink-wrap: support = G_sigma * |g| > threshold * maximum, or the brightest pixels of a given area, then
/// grown; always inside the n x n square and an upper limit within it (Marchesini et al., Phys. Rev. B 68,
/// 140101, 2003). The blur sees zero beyond the square. Thread: one. No allocation after construction.
class SupportUpdate {
 public:
  explicit SupportUpdate(int n);

  /// Supports to come stay inside this upper limit [n, n]; empty = the whole square.
  void stay_inside(std::span<const std::uint8_t> upper_limit);

  /// `re`, `im`, `support` (1 inside, 0 outside): corner [n, n] of planes with rows of `stride`. By the
  /// rule's blur (0 = none), threshold or area, and growth at this `part` of its way (ShrinkWrap::part_at).
  /// Says whether the support changed; it stays when |g| has no finite positive maximum.
  bool operator()(const float* re, const float* im, int stride, float part, const ShrinkWrap& rule,
                  float* support);

 private:
  void make_weights(float sigma);
  void blur();
  float largest_blurred();
  float brightest(float area);
  void grow();

  int n_;
  int stride_;                    ///< n or more, whole chunks of the blur
  int reach_ = 0;                 ///< weights_ holds [0, reach_], at most n_
  std::vector<float> weights_;    ///< Gaussian, from its middle
  std::vector<float> amplitude_;  ///< [3 n, stride] n rows between two margins of n rows of zeros
  std::vector<float> row_;        ///< [n + stride + n] a row between two margins of zeros
  std::vector<float> blurred_;    ///< [n, n], and room for a chunk
  std::vector<float> before_;     ///< [n, n]
  std::vector<float> inside_;     ///< [n, n] 1 or 0
  std::vector<float> allowed_;    ///< [n, n] 1 or 0; empty = everywhere
};

}  // namespace flashphase::refine
