#pragma once

#include <limits>

#include "engine/frame/pattern.h"
#include "engine/frame/remarks.h"

namespace flashphase {

/// The range of inputs a model was trained on. Outside it a result is still given, and marked. That of
/// untrained ways to an answer is the default: all that has light and fits.
struct Domain {
  float photons_min = 0;     ///< sum of the measured pixels
  float photons_max = 0;     ///< 0 = no upper limit (noise-free patterns were part of the training)
  float unmeasured_max = 1;  ///< fraction of pixels not measured, 0..1
  float centre_offset_max = std::numeric_limits<float>::infinity();  ///< of PatternSummary::centre_offset
  float overflow_max =
      0.0034f;  ///< from here on the object is too large for the square (score::overflow): bin less

  /// Why the pattern lies outside; none where it does not.
  Remarks remarks_on(const PatternSummary& pattern) const {
    Remarks remarks;
    remarks.add(Remark::unshifted, pattern.unshifted);
    remarks.add(Remark::too_large, pattern.overflow >= overflow_max);
    remarks.add(Remark::few_photons, !(pattern.photons > 0 && pattern.photons >= photons_min));
    remarks.add(Remark::many_photons, photons_max > 0 && pattern.photons > photons_max);
    remarks.add(Remark::unmeasured, pattern.unmeasured > static_cast<double>(unmeasured_max));
    remarks.add(Remark::off_centre, pattern.centre_offset > centre_offset_max);
    return remarks;
  }
};

}  // namespace flashphase
