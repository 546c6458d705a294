#pragma once

#include <cstdint>
#include <span>

namespace flashphase::score {

/// The modulus chi^2 that counting noise alone leaves of the true object: expected from the pattern itself,
/// intensities in photons. 0 when nothing is measured.
///
/// A pixel of mean L photons, of which I come, adds (sqrt(L) - sqrt(I))^2 to the numerator, on average
///   v(L) = 2 L - 2 sqrt(L) E sqrt(I),  I ~ Poisson(L),
/// which is 2 L in the dark, at most 0.454 (L = 1), and 1/4 + 7 / (64 L) where photons are many (Anscombe,
/// Biometrika 35, 246, 1948: the square root makes the variance of counts 1/4). L is not known, but where it
/// comes from: behind a sharp surface intensity falls as Q^-4 (Porod 1951), so on a flat detector the number
/// of pixels of mean L goes as L^-3/2. Averaged over them a pixel that counted k photons stands for
///   u(k) = integral v(L) L^(k - 3/2) exp(-L) dL / Gamma(k - 1/2),
/// and what the dark pixels with no photon add, integral v(L) L^(-3/2) exp(-L) dL / Gamma(1/2) for each with
/// one photon, is counted with those. Not whole numbers are interpolated.
///
/// On simulated patterns 2 to 21 % above what the true objects leave, 1e3 to 1e7 photons. A reconstruction
/// with many degrees of freedom fits part of the noise and may lie below.
float noise_residual(std::span<const float> intensity, std::span<const std::uint8_t> measured);

/// Whether the measured intensities are photons that were counted: whole numbers; or, after a flat field,
/// some of them exactly zero (one in twenty at least; light falls everywhere) and the lowest of the others
/// (their 5th percentile) about one, from 0.4 to 2.
bool is_counted(std::span<const float> intensity, std::span<const std::uint8_t> measured);

/// Whether noise is what ends the fit: it leaves more than the edge of a support cuts off (README.md of
/// engine/refine), and iterations fit it.
bool is_noisy(float noise_residual);

}  // namespace flashphase::score
