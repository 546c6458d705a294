#pragma once

namespace flashphase::infer {

/// Size of the network `flash`.
struct FlashOptions {
  int pattern_size = 64;  ///< m
  int object_size = 32;   ///< n = m/2
  int channels = 16;      ///< of the U-Net's first level; doubled at each of three more
  int physics_layers = 6;
  int physics_channels = 16;
};

}  // namespace flashphase::infer
