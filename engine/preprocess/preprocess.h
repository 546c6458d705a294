#pragma once

#include <memory>
#include <optional>

#include "engine/frame/frame.h"
#include "engine/frame/pattern.h"
#include "engine/frame/rejection.h"
#include "engine/frame/valid_range.h"
#include "engine/preprocess/calibration.h"
#include "engine/preprocess/centre_of_mass.h"
#include "engine/preprocess/photon_reader.h"

namespace flashphase::preprocess {

enum class Centring { fixed, centre_of_mass };

struct Config {
  int pattern_size = 64;  ///< m
  int bin = 1;            ///< detector pixels summed into one, per axis
  Centring centring = Centring::fixed;
  /// Index of a detector pixel, before binning; it goes into pattern pixel m/2, as near to the middle of that
  /// bin as whole pixels allow. Negative = height/2, width/2 (rounded down), which put the middle of the
  /// detector there.
  float centre_y = -1, centre_x = -1;
  RawLimits limits{};                           ///< of raw values; others count as not measured
  int expected_rows = 0, expected_columns = 0;  ///< 0 = any
};

/// In: a Frame. Out: a Pattern of pattern_size with zero of Q at [m/2, m/2], or why not (wrong_shape,
/// unsupported_dtype, bad_pixels, nothing_measured, no_signal, not_finite). Steps: to float; mask, raw value
/// out of the limits, not finite -> not measured; (value - dark) * gain; negative -> 0 (Poisson-safe: values
/// stay in photons); centre; crop, pixels beyond the detector's edge not measured; bin by summing, a bin with
/// unmeasured members is scaled by (members / measured members) when at least half of them are measured,
/// otherwise not measured. Const and thread-safe.
///
/// Nothing is interpolated: the crop lies so that the centre is in the middle of the bin [m/2, m/2], or as
/// near as whole detector pixels allow. About the middle of the detector, height/2 and width/2, it has as
/// much of the detector on either side: one of m * bin pixels fits exactly. The centre of mass is that of the
/// photons above the background (median of the frame, and three times its spread).
class Preprocessor {
 public:
  /// Throws std::invalid_argument naming the key and what would be right.
  Preprocessor(const Config& config, std::shared_ptr<const Calibration> calibration);

  Result<Pattern> operator()(const Frame& frame) const;

  // The same in steps, for who reads the frame too: problem_of(), reader(), with centring on the centre of
  // mass that of every row, and the pattern.
  /// wrong_shape, or nothing.
  std::optional<Rejection> problem_of(const Frame& frame) const;
  /// Of the pixels of `frame`, which has to outlive it, with this calibration and these limits.
  PhotonReader reader(const Frame& frame) const;
  bool needs_centre_of_mass() const { return config_.centring == Centring::centre_of_mass; }
  /// Unpacks and reads what the pattern shows of the frame, no more. `centre`: when it is needed.
  Result<Pattern> operator()(const Frame& frame, PhotonReader& reader,
                             const CentreOfMass* centre = nullptr) const;

  /// See preprocess::share_of_marks.
  double share_of_marks(const Frame& frame) const;

 private:
  Config config_;
  std::shared_ptr<const Calibration> calibration_;
};

}  // namespace flashphase::preprocess
