#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace flashphase::score {

/// `scale` * sqrt(I) of a centred pattern [m, m] in Fft2's Fourier layout (transposed, zero of Q first); -1
/// marks pixels that are not measured.
void modulus_in_fft_layout(std::span<const float> intensity, std::span<const std::uint8_t> measured, int m,
                           float scale, float* modulus);

/// Modulus chi^2 of Fourier coefficients against such a modulus, with the best scale (see ModulusScorer).
double modulus_chi2(const float* re, const float* im, const float* modulus, std::size_t count);

}  // namespace flashphase::score
