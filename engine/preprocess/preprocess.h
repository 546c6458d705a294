#pragma once

#include <memory>

#include "engine/frame/frame.h"
#include "engine/frame/pattern.h"
#include "engine/frame/rejection.h"
#include "engine/preprocess/calibration.h"

namespace flashphase::preprocess {

enum class Centring { fixed, centre_of_mass };

struct Config {
  int pattern_size = 64;  ///< m
  int bin = 1;            ///< detector pixels summed into one, per axis
  Centring centring = Centring::fixed;
  float centre_y = -1,
        centre_x = -1;   ///< detector pixels before binning; negative = middle (height/2, width/2)
  float saturation = 0;  ///< raw values at or above count as not measured; 0 = none
  int expected_rows = 0, expected_columns = 0;  ///< 0 = any
};

/// In: a Frame. Out: a Pattern of pattern_size with zero of Q at [m/2, m/2], or why not (wrong_shape,
/// unsupported_dtype, bad_pixels, nothing_measured, no_signal). Steps: to float; mask, saturation, not finite
/// -> not measured; (value - dark) * gain; negative -> 0 (Poisson-safe: values stay in photons); centre;
/// crop, pixels beyond the detector's edge not measured; bin by summing, a bin with unmeasured members is
/// scaled by (members / measured members) when at least half of them are measured, otherwise not measured.
/// Const and thread-safe.
///
/// Nothing is interpolated: a given centre and the centre of mass (of all measured photons of the frame) are
/// rounded to whole detector pixels, so that the centre lies in the middle of the bin [m/2, m/2], or as near
/// as whole pixels allow. The default middle puts a detector of m * bin pixels exactly into the pattern.
class Preprocessor {
 public:
  /// Throws std::invalid_argument naming the key and what would be right.
  Preprocessor(const Config& config, std::shared_ptr<const Calibration> calibration);

  Result<Pattern> operator()(const Frame& frame) const;

 private:
  Config config_;
  std::shared_ptr<const Calibration> calibration_;
};

}  // namespace flashphase::preprocess
