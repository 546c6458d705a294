#pragma once

#include <span>

#include "engine/refine/schedule.h"

namespace flashphase::refine {

/// Bounds of |F| that the projection keeps to, from the measured modulus [m, m] in Fft2's Fourier layout (-1
/// where not measured), which times `unit` is sqrt(photons):
///   measured: sqrt(I -+ 0.675 f sqrt(I + 1)), f = rule.confidence: half of all counts lie that near to their
///   mean at f = 1
///     (PyNX, Favre-Nicolin et al., J. Appl. Cryst. 53, 1404, 2020); f = 0 leaves the value alone;
///   not measured: from 0 to rule.bound times what the nearest measured pixels say, ring by ring from the rim
///   inwards, each
///     the mean of the neighbours it has; rule.bound = 0 leaves it free.
void set_modulus_bounds(std::span<const float> modulus, int m, double unit, const ModulusRule& rule,
                        std::span<float> low, std::span<float> high);

}  // namespace flashphase::refine
