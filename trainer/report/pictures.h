#pragma once

#include <complex>
#include <cstdint>
#include <span>

#include "trainer/report/page.h"

namespace flashphase::trainer::report {

/// |rho| of an object [n, n], its maximum brightest.
Picture picture_of_amplitude(std::span<const std::complex<float>> object);

/// arg(rho) where the amplitude is above a tenth of its maximum.
Picture picture_of_phase(std::span<const std::complex<float>> object);

/// The logarithm of a pattern [m, m] over the five decades below its maximum, where it is measured.
Picture picture_of_pattern(std::span<const float> intensity, std::span<const std::uint8_t> measured);

}  // namespace flashphase::trainer::report
