#pragma once

// The physics written out plainly in double precision, to test the fast code against.

#include <cmath>
#include <complex>
#include <numbers>
#include <random>
#include <vector>

namespace flashphase::plain {

using Complex = std::complex<double>;
using Image = std::vector<Complex>;

/// Two-dimensional discrete Fourier transform of [m, m], sign -1 forward, +1 inverse (divided by m^2).
inline Image transform(const Image& image, int m, int sign) {
  const auto along_rows = [&](const Image& in) {  // gives the transpose
    Image out(in.size());
    for (int y = 0; y < m; ++y) {
      for (int k = 0; k < m; ++k) {
        Complex sum = 0;
        for (int x = 0; x < m; ++x) {
          sum += in[static_cast<std::size_t>(y * m + x)] *
                 std::polar(1.0, sign * 2 * std::numbers::pi * ((k * x) % m) / m);
        }
        out[static_cast<std::size_t>(k * m + y)] = sign > 0 ? sum / static_cast<double>(m) : sum;
      }
    }
    return out;
  };
  return along_rows(along_rows(image));
}

/// result[y, x] = image[y + shift, x + shift], circular.
inline Image rolled(const Image& image, int m, int shift) {
  Image result(image.size());
  for (int y = 0; y < m; ++y) {
    for (int x = 0; x < m; ++x) {
      result[static_cast<std::size_t>(y * m + x)] =
          image[static_cast<std::size_t>(((y + shift + m) % m) * m + (x + shift + m) % m)];
    }
  }
  return result;
}

/// F = fftshift(fft2(ifftshift(image))), zero of Q at [m/2, m/2].
inline Image centred_transform(const Image& image, int m) {
  return rolled(transform(rolled(image, m, m / 2), m, -1), m, m - m / 2);
}

inline Image centred_inverse(const Image& image, int m) {
  return rolled(transform(rolled(image, m, m / 2), m, +1), m, m - m / 2);
}

/// The object [n, n] in the middle of [m, m], its origin [n/2, n/2] at [m/2, m/2].
template <class T>
Image embedded(const std::vector<std::complex<T>>& object, int n, int m) {
  Image image(static_cast<std::size_t>(m * m));
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      image[static_cast<std::size_t>((y + m / 2 - n / 2) * m + x + m / 2 - n / 2)] =
          static_cast<Complex>(object[static_cast<std::size_t>(y * n + x)]);
    }
  }
  return image;
}

/// Modulus chi^2 with the best scale over measured pixels, as the definition stands.
inline double modulus_chi2(const Image& transformed, const std::vector<float>& intensity,
                           const std::vector<std::uint8_t>& measured) {
  double aa = 0, ab = 0, bb = 0;
  for (std::size_t i = 0; i < intensity.size(); ++i) {
    if (!measured[i]) continue;
    const double a = std::abs(transformed[i]), b = std::sqrt(static_cast<double>(intensity[i]));
    aa += a * a;
    ab += a * b;
    bb += b * b;
  }
  double error = 0;
  for (std::size_t i = 0; i < intensity.size(); ++i) {
    if (!measured[i]) continue;
    const double difference =
        ab / aa * std::abs(transformed[i]) - std::sqrt(static_cast<double>(intensity[i]));
    error += difference * difference;
  }
  return error / bb;
}

inline std::vector<std::complex<float>> random_object(int n, unsigned seed) {
  std::mt19937 random(seed);
  const auto uniform = [&] { return static_cast<float>(random() % 10000) / 10000; };
  std::vector<std::complex<float>> object(static_cast<std::size_t>(n * n));
  for (auto& value : object) value = std::polar(0.2f + uniform(), 3 * uniform());
  return object;
}

}  // namespace flashphase::plain
