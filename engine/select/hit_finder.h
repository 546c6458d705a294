#pragma once

#include <memory>

#include "engine/frame/frame.h"
#include "engine/frame/rejection.h"
#include "engine/frame/valid_range.h"
#include "engine/preprocess/calibration.h"

namespace flashphase::select {

struct Config {
  float pixel_threshold = 0.5f;  ///< photons; a pixel is lit above it
  int minimum_lit_pixels = 0;    ///< 0 = keep every frame
  RawLimits limits{};            ///< of raw values, as in preprocess
};

/// In: a Frame. Out: its hit score (measured pixels above the threshold, after dark and gain; a saturated one
/// is none), or why not (not_a_hit, wrong_shape, bad_pixels). The lit-pixel hit finder of Cheetah (Barty et
/// al., J. Appl. Cryst. 47, 1118, 2014). Const, thread-safe.
class HitFinder {
 public:
  HitFinder(const Config& config, std::shared_ptr<const preprocess::Calibration> calibration);
  Result<float> operator()(const Frame& frame) const;

 private:
  Config config_;
  std::shared_ptr<const preprocess::Calibration> calibration_;
};

}  // namespace flashphase::select
