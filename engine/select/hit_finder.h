#pragma once

#include "engine/frame/rejection.h"
#include "engine/preprocess/centre_of_mass.h"
#include "engine/preprocess/photon_reader.h"

namespace flashphase::select {

struct Config {
  float pixel_threshold = 0.5f;  ///< photons; a pixel is lit above it
  int minimum_lit_pixels = 0;    ///< 0 = keep every frame
};

/// In: the pixels of a frame. Out: its hit score (measured pixels above the threshold, after dark and gain; a
/// saturated one is none), or why not (not_a_hit, and what PhotonReader::open says). The lit-pixel hit finder
/// of Cheetah (Barty et al., J. Appl. Cryst. 47, 1118, 2014). Const, thread-safe.
class HitFinder {
 public:
  /// Throws std::invalid_argument naming the key and what would be right.
  explicit HitFinder(const Config& config);

  /// Reads the frame once. `also`: sees every row too.
  Result<float> operator()(preprocess::PhotonReader& pixels, preprocess::CentreOfMass* also = nullptr) const;

 private:
  Config config_;
};

}  // namespace flashphase::select
