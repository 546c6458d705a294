#pragma once

// Objects whose alignment is known.

#include <cmath>
#include <complex>
#include <cstdint>
#include <vector>

#include "tests/engine/score/plain_reference.h"

namespace flashphase::score {

using Object = std::vector<std::complex<float>>;

/// A random patch of `edge` pixels at [y, x] of an n x n image.
inline Object patch(int n, int edge, int y, int x, unsigned seed) {
  const Object pixels = plain::random_object(edge, seed);
  Object object(static_cast<std::size_t>(n * n));
  for (int i = 0; i < edge * edge; ++i) {
    object[static_cast<std::size_t>((y + i / edge) * n + x + i % edge)] = pixels[static_cast<std::size_t>(i)];
  }
  return object;
}

/// A smooth object that is not symmetric, its middle at [y, x]; the smaller `skew`, the more like its twin.
inline Object blob(int n, double y, double x, double skew = 1) {
  Object object;
  for (int row = 0; row < n; ++row) {
    for (int column = 0; column < n; ++column) {
      const double v = row - y, u = column - x;
      object.push_back(static_cast<std::complex<float>>(std::polar(
          std::exp(-(v * v + 0.7 * u * u + 0.3 * u * v) / 8), 0.5 * v + skew * (0.1 * u * u + 0.2 * u * v))));
    }
  }
  return object;
}

/// conj(object(-r)) about [n/2, n/2], where it stays inside the image.
inline Object twin_of(const Object& object, int n) {
  Object twin(object.size());
  for (int y = 1; y < n; ++y) {
    for (int x = 1; x < n; ++x) {
      twin[static_cast<std::size_t>((2 * (n / 2) - y) * n + 2 * (n / 2) - x)] =
          std::conj(object[static_cast<std::size_t>(y * n + x)]);
    }
  }
  return twin;
}

/// 1 where the amplitude is above that.
inline std::vector<std::uint8_t> support_of(const Object& object, float above = 0) {
  std::vector<std::uint8_t> support;
  for (const auto value : object) support.push_back(std::abs(value) > above);
  return support;
}

}  // namespace flashphase::score
