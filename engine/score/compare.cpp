#include <algorithm>
#include <cmath>

#include "engine/score/score.h"

namespace flashphase::score {
namespace {

using Complex = std::complex<float>;
using Wide = std::complex<double>;

Wide wide(Complex value) {
  return {static_cast<double>(value.real()), static_cast<double>(value.imag())};
}

double energy(std::span<const Complex> image) {
  double sum = 0;
  for (const Complex value : image) sum += std::norm(wide(value));
  return sum;
}

/// An n x n image on a circular grid of 2n with its origin [n/2, n/2] at [0, 0].
class Padded {
 public:
  Padded(std::span<const Complex> image, int n) : n_(n), pixels_(static_cast<std::size_t>(4 * n * n)) {
    for (int y = 0; y < n; ++y) {
      for (int x = 0; x < n; ++x) {
        pixels_[index(y - n / 2, x - n / 2)] = image[static_cast<std::size_t>(y * n + x)];
      }
    }
  }

  /// Coordinates from the origin, circular.
  Complex at(int y, int x) const { return pixels_[index(y, x)]; }

  Padded twin() const {
    Padded result = *this;
    for (int y = 0; y < 2 * n_; ++y) {
      for (int x = 0; x < 2 * n_; ++x) result.pixels_[index(-y, -x)] = std::conj(at(y, x));
    }
    return result;
  }

  /// Fourier coefficients in Fft2's layout, of the image scaled to a maximum of about 1.
  void transform(fft::Fft2& fft, float* re, float* im) const {
    float largest = 0;
    for (const Complex value : pixels_)
      largest = std::max({largest, std::abs(value.real()), std::abs(value.imag())});
    for (std::size_t i = 0; i < pixels_.size(); ++i) {
      re[i] = pixels_[i].real() / largest;
      im[i] = pixels_[i].imag() / largest;
    }
    fft.forward(re, im);
  }

 private:
  std::size_t index(int y, int x) const {
    const int edge = 2 * n_;
    return static_cast<std::size_t>(((y % edge + edge) % edge) * edge + (x % edge + edge) % edge);
  }

  int n_;
  std::vector<Complex> pixels_;
};

struct Shift {
  int y = 0;
  int x = 0;
};

/// Transforms of an object and of the truth, and the peaks of their cross-correlations.
class Correlator {
 public:
  Correlator(const Padded& object, const Padded& truth, int n)
      : n_(n),
        fft_(2 * n),
        p_re_(cells()),
        p_im_(cells()),
        g_re_(cells()),
        g_im_(cells()),
        c_re_(cells()),
        c_im_(cells()) {
    object.transform(fft_, p_re_.data(), p_im_.data());
    truth.transform(fft_, g_re_.data(), g_im_.data());
  }

  /// Where sum_r conj(q(r)) g(r + d) is largest, q the object (or its twin, whose transform is conj(P)).
  Shift peak(bool twin) {
    const float sign = twin ? 1.0f : -1.0f;
    for (std::size_t i = 0; i < cells(); ++i) {
      const float re = p_re_[i], im = sign * p_im_[i];
      c_re_[i] = re * g_re_[i] - im * g_im_[i];
      c_im_[i] = re * g_im_[i] + im * g_re_[i];
    }
    fft_.inverse(c_re_.data(), c_im_.data());
    std::size_t best = 0;
    float largest = -1;
    for (std::size_t i = 0; i < cells(); ++i) {
      const float square = c_re_[i] * c_re_[i] + c_im_[i] * c_im_[i];
      if (square > largest) {
        largest = square;
        best = i;
      }
    }
    const auto from_origin = [this](int d) { return d > n_ ? d - 2 * n_ : d; };
    const int edge = 2 * n_;
    return {from_origin(static_cast<int>(best) / edge), from_origin(static_cast<int>(best) % edge)};
  }

 private:
  std::size_t cells() const { return static_cast<std::size_t>(4 * n_ * n_); }

  int n_;
  fft::Fft2 fft_;
  fft::AlignedFloats p_re_, p_im_, g_re_, g_im_, c_re_, c_im_;
};

std::vector<Complex> moved(const Padded& image, Shift shift, int n) {
  std::vector<Complex> result;
  result.reserve(static_cast<std::size_t>(n * n));
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) result.push_back(image.at(y - n / 2 - shift.y, x - n / 2 - shift.x));
  }
  return result;
}

Wide inner(std::span<const Complex> p, std::span<const Complex> g) {
  Wide sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += std::conj(wide(p[i])) * wide(g[i]);
  return sum;
}

/// 1 - (sum |p| |g|)^2 / (E_p E_g): what the best scale of |p| leaves of sum (|p| - |g|)^2 / E_g.
double amplitude_chi2(std::span<const Complex> p, std::span<const Complex> g, double energies) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += std::abs(wide(p[i])) * std::abs(wide(g[i]));
  return std::max(0.0, 1 - sum * sum / energies);
}

double phase_chi2(std::span<const Complex> p, std::span<const Complex> g,
                  std::span<const std::uint8_t> support) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (!support[i]) continue;
    const double difference = std::arg(wide(p[i]) * std::conj(wide(g[i]))), phase = std::arg(wide(g[i]));
    error += difference * difference;
    size += phase * phase;
  }
  if (size > 0) return error / size;
  return error > 0 ? 1 : 0;
}

}  // namespace

Comparison compare(std::span<const Complex> object, std::span<const Complex> truth,
                   std::span<const std::uint8_t> truth_support, int n) {
  Comparison result;
  const double object_energy = energy(object), truth_energy = energy(truth);
  if (!(object_energy > 0) || !(truth_energy > 0)) {
    result.aligned.assign(object.begin(), object.end());
    return result;
  }
  const Padded padded(object, n);
  Correlator correlator(padded, Padded(truth, n), n);
  const Shift shift = correlator.peak(false), twin_shift = correlator.peak(true);
  result.aligned = moved(padded, shift, n);
  std::vector<Complex> twin = moved(padded.twin(), twin_shift, n);
  Wide correlation = inner(result.aligned, truth);
  const Wide twin_correlation = inner(twin, truth);

  // A symmetric object is its own twin up to rounding: then it stays itself.
  constexpr double kTie = 1e-6;
  result.twin = std::abs(twin_correlation) > std::abs(correlation) * (1 + kTie);
  if (result.twin) {
    result.aligned = std::move(twin);
    correlation = twin_correlation;
  }
  result.shift_y = result.twin ? twin_shift.y : shift.y;
  result.shift_x = result.twin ? twin_shift.x : shift.x;

  const double energies = object_energy * truth_energy;
  result.real_space_error = static_cast<float>(std::max(0.0, 1 - std::norm(correlation) / energies));
  result.amplitude_chi2 = static_cast<float>(amplitude_chi2(result.aligned, truth, energies));
  const Wide scale = correlation / object_energy;
  for (Complex& value : result.aligned) value = static_cast<Complex>(scale * wide(value));
  result.phase_chi2 = static_cast<float>(phase_chi2(result.aligned, truth, truth_support));
  return result;
}

}  // namespace flashphase::score
