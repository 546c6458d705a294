#pragma once

#include <array>
#include <cstdint>

#include "engine/simulate/recipe.h"

namespace flashphase::simulate {

/// xoshiro256++ (Blackman & Vigna 2019) seeded by splitmix64, with distributions of our own: the standard
/// library's differ between implementations, and a seed must mean the same particle everywhere. A value; one
/// per thread.
class Random {
 public:
  /// Different streams of one seed are independent.
  Random(std::uint64_t seed, std::uint64_t stream);

  std::uint64_t bits();
  float uniform();                 ///< [0, 1)
  float uniform(Range range);      ///< [min, max)
  float log_uniform(Range range);  ///< min > 0
  int whole(Range range);          ///< uniform over the rounded range, both ends included
  bool chance(float probability);  ///< true with this probability
  float normal();                  ///< mean 0, variance 1 (Box & Muller)
  /// Exact Poisson deviate for any mean >= 0: inversion below 10, transformed rejection (Hoermann 1993, PTRS)
  /// above.
  float poisson(float mean);

 private:
  float poisson_by_inversion(float mean);
  float poisson_by_rejection(float mean);

  std::array<std::uint64_t, 4> state_;
  float spare_normal_ = 0;
  bool has_spare_ = false;
};

/// Seed of the element `index` of a series; series of different seeds have practically none in common.
std::uint64_t element_seed(std::uint64_t seed, std::uint64_t index);

}  // namespace flashphase::simulate
