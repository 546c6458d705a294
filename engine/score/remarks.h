#pragma once

#include <cstdint>
#include <span>

#include "engine/frame/remarks.h"

namespace flashphase::score {

/// What an image says against itself.
///
/// Remark::wide_support: the support fills over 80 % of the square.
///
/// Remark::overfitted: `residual` is below half of `noise_residual`, what counting leaves of the true object
/// (noise.h). A least-squares fit takes its degrees of freedom from the noise: with S free complex pixels in
/// the support to M measured ones it leaves
///   noise_residual (M - 2 S) / M
/// (Bevington & Robinson, Data Reduction and Error Analysis, 3rd ed., 2003, section 4.4; linear near the
/// minimum), however long it runs. So more of the noise is in the image than beside it: the support is too
/// wide for what is measured. Not said of patterns that hold no counts (holds_counts()).
///
/// `intensity`, `measured` [m, m]; `support` [n, n].
Remarks remarks_on(std::span<const float> intensity, std::span<const std::uint8_t> measured,
                   std::span<const std::uint8_t> support, float residual, float noise_residual);

}  // namespace flashphase::score
