#pragma once

#include <cstdint>
#include <span>

#include "engine/fft/fft2.h"

namespace flashphase::score {

/// |F^-1 I| of patterns of m x m pixels: the modulus of the autocorrelation of the object that made the light
/// (Wiener-Khinchin; Patterson, Z. Krist. 90, 517, 1935), whatever its phases. Thread: one.
class Autocorrelation {
 public:
  explicit Autocorrelation(int m);  ///< Throws std::invalid_argument for m < 1.

  /// [m, m] over lags in pixels of the object, lag zero at [0, 0] and the negative ones behind, 1 at lag
  /// zero; 0 for a dark pattern. `intensity` [m, m] centred, in any unit, 0 or more. Valid until the next
  /// call.
  std::span<const float> operator()(std::span<const float> intensity);

  int size() const { return fft_.size(); }  ///< m

 private:
  fft::Fft2 fft_;
  fft::AlignedFloats re_, im_;
};

/// Root mean square of an autocorrelation [m, m] over lags of `from` or more in either direction. Where no
/// object reaches counting leaves 1 / sqrt(N) of N photons (each pixel adds noise of variance I), and
/// patterns without noise nothing.
float outskirts(std::span<const float> autocorrelation, int m, int from);

/// How far the light of a pattern comes from an object too large for half its frame, whose autocorrelation
/// then reaches, folded, where none should be: its outskirts beyond 27/64 of the frame in excess of counting
/// noise, in quadrature. 0 where noise may explain them, and where too much light about zero of Q is not
/// measured to tell. Compare with Domain::overflow_max. `intensity` [m, m] in photons, 0 where not measured.
float overflow(std::span<const float> intensity, std::span<const std::uint8_t> measured,
               Autocorrelation& autocorrelation);

}  // namespace flashphase::score
