#pragma once

#include "engine/frame/pattern.h"

namespace flashphase {

/// The range of inputs a model was trained on. Outside it a result is still given, and marked.
struct Domain {
  float photons_min = 0;        ///< sum of the measured pixels
  float photons_max = 0;        ///< 0 = no upper limit (noise-free patterns were part of the training)
  float unmeasured_max = 0;     ///< fraction of pixels not measured, 0..1
  float centre_offset_max = 0;  ///< centroid of the pattern's square root off [m/2, m/2], pixels
  float overflow_max =
      0.0034f;  ///< from here on the object is too large for the square (score::overflow): bin less

  bool contains(const PatternSummary& pattern) const {
    return !pattern.unshifted && pattern.overflow < overflow_max && pattern.photons > 0 &&
           pattern.photons >= photons_min && (photons_max <= 0 || pattern.photons <= photons_max) &&
           pattern.unmeasured <= static_cast<double>(unmeasured_max) &&
           pattern.centre_offset <= centre_offset_max;
  }
};

}  // namespace flashphase
