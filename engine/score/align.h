#pragma once

#include <complex>
#include <span>
#include <vector>

namespace flashphase::score {

/// How fine a translation is searched and undone: whole pixels, or 0.01 pixel by an upsampled transform
/// around the peak (Guizar-Sicairos, Thurman & Fienup, Opt. Lett. 33, 156, 2008), which moves the object in
/// Fourier space.
enum class Translation { whole_pixel, sub_pixel };

/// An object on top of a reference, the trivial ambiguities removed: best of {object, twin conj(rho(-r))} (r
/// from the origin at pixel [n/2, n/2]), translation by the peak of the cross-correlation (circular on the
/// n x n grid padded to 2n), global phase and scale in closed form.
struct Alignment {
  float real_space_error = 1;  ///< 1 - |cc|max^2 / (E_p E_g)
  bool twin = false;
  float shift_y = 0, shift_x = 0;   ///< pixels that move the object (or its twin) onto the reference
  std::complex<double> factor = 1;  ///< the phase and the scale that `aligned` has and the object had not
  std::vector<std::complex<float>> aligned;  ///< [n, n] the object moved onto the reference, times `factor`
};

/// Shapes [n, n]. An object on a reference where either is all zero stays as it is, with error 1. Source: J.
/// R. Fienup, "Invariant error metrics for image reconstruction", Appl. Opt. 36, 8352 (1997). Precondition:
/// every value is finite.
Alignment align(std::span<const std::complex<float>> object, std::span<const std::complex<float>> reference,
                int n, Translation translation = Translation::whole_pixel);

}  // namespace flashphase::score
