#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace flashphase::refine {

/// The pattern [m, m] times 1 - exp(-d^2 / 72), d the distance in pixels to the nearest pixel that is not
/// measured. The hard edge of a mask rings all over an autocorrelation; what a soft one takes away lies about
/// its peak, and extent_of() tells the extent of an object whose first maximum is hidden: 0.9 to 2.3 times
/// the true area, of pairs up to 5 times (docs/which-schedule.md). As it is where everything is measured.
std::vector<float> tapered(std::span<const float> intensity, std::span<const std::uint8_t> measured, int m);

}  // namespace flashphase::refine
