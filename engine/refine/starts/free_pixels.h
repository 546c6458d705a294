#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace flashphase::refine {

/// What iterations may look at when `fraction` of the measured pixels [m, m] is held out for the free
/// log-likelihood: a copy of `measured` with islands of radius 2 taken out, none of them within m/16 of the
/// zero of Q at [m/2, m/2] (Favre-Nicolin, Leake & Chushkin, Sci. Rep. 10, 2664, 2020: islands, since
/// neighbours are correlated; not the centre, which rules the fit). The same seed gives the same pixels.
std::vector<std::uint8_t> without_free_pixels(std::span<const std::uint8_t> measured, int m, float fraction,
                                              std::uint64_t seed);

}  // namespace flashphase::refine
