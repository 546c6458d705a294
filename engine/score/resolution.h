#pragma once

#include <complex>
#include <span>
#include <vector>

namespace flashphase::score {

/// Fourier ring correlation of two aligned images [n, n]: |sum F1 conj(F2)| / sqrt(sum |F1|^2 sum |F2|^2)
/// over rings of one frequency pixel, radius rounded to 0 .. n/2; a ring without signal gives 0. Saxton &
/// Baumeister, J. Microsc. 127, 127 (1982).
std::vector<float> fourier_ring_correlation(std::span<const std::complex<float>> first,
                                            std::span<const std::complex<float>> second, int n);

/// The half-bit threshold for that curve, rings 0 .. n/2 of N pixels each,
///   (s + 2 sqrt(s / N) + 1 / sqrt(N)) / (s + 2 sqrt(s / N) + 1), s = (sqrt(2) - 1) / 2:
/// where the correlation meets it, the mean of both images carries half a bit per pixel. van Heel & Schatz,
/// J. Struct. Biol. 151, 250 (2005). Every pixel of the ring counts: for an object that fills a part of the
/// square the curve is that much too low.
std::vector<float> half_bit_threshold(int n);

/// How fine an image is by a curve over rings.
struct Resolution {
  float ring = 0;        ///< where the curve first falls below its threshold, linear between rings
  float pixels = 0;      ///< full period there in object pixels, at most the edge of the square
  bool crossed = false;  ///< false: it never does; `ring` is the last one
};

/// `curve` and `threshold`: rings 0 .. m/2 of the transform of [m, m]. A curve that starts below crosses at
/// ring 0. Throws std::invalid_argument unless both have that size.
Resolution resolution(std::span<const float> curve, std::span<const float> threshold, int m);

}  // namespace flashphase::score
