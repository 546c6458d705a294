#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

namespace flashphase::score {

/// |F|^2 of an object [n, n] in the centre of [m, m], zero of Q at [m/2, m/2]. Throws std::invalid_argument
/// for n > m.
std::vector<float> diffraction(std::span<const std::complex<float>> object, int n, int m);

/// sum (s Ip - Ig)^2 / sum Ig^2 over measured pixels with the best scale s of the calculated intensity Ip:
/// the intensity form of the modulus chi^2, ruled by the brightest pixels (Fienup, Appl. Opt. 36, 8352,
/// 1997). 1 when either is zero.
double intensity_chi2(std::span<const float> calculated, std::span<const float> intensity,
                      std::span<const std::uint8_t> measured);

/// sum | s |Fc| - |Fo| | / sum |Fo| over measured pixels, |F| = sqrt(I), s = sum |Fo| / sum |Fc|: the
/// crystallographer's R (e.g. Giacovazzo et al., Fundamentals of Crystallography, ch. 6). 1 when either is
/// zero.
double r_factor(std::span<const float> calculated, std::span<const float> intensity,
                std::span<const std::uint8_t> measured);

/// Fourier ring correlation of two aligned images [n, n]: |sum F1 conj(F2)| / sqrt(sum |F1|^2 sum |F2|^2)
/// over rings of one frequency pixel, radius rounded to 0 .. n/2; a ring without signal gives 0. Saxton &
/// Baumeister, J. Microsc. 127, 127 (1982).
std::vector<float> fourier_ring_correlation(std::span<const std::complex<float>> first,
                                            std::span<const std::complex<float>> second, int n);

}  // namespace flashphase::score
