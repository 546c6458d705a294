#pragma once

namespace flashphase::infer {

/// Size of the network `wu2021`.
struct Wu2021Options {
  int pattern_size = 64;  ///< m
  int object_size = 32;   ///< n = m/2
  int channels = 32;      ///< of the first encoder level; doubled at each of three more and in the bottleneck
};

}  // namespace flashphase::infer
