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

/// Negative logarithm of the Poisson likelihood of photon counts Io under a model Ic, relative to the perfect
/// model and per pixel: the mean over `pixels` of Ic - Io + Io ln(Io / Ic), of Ic where Io = 0. Where photons
/// came, Ic counts as 0.1 photon at least. Both in photons; no scale is fitted. About 1/2 for the right model
/// where counts are large. On pixels that took no part in the retrieval (`pixels` 1 = held out) it tells a
/// better fit from a looser one (free log-likelihood: Favre-Nicolin, Leake & Chushkin, Sci. Rep. 10, 2664,
/// 2020). 0 when `pixels` has none.
double poisson_llk(std::span<const float> calculated, std::span<const float> intensity,
                   std::span<const std::uint8_t> pixels);

}  // namespace flashphase::score
