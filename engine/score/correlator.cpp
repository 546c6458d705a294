#include "engine/score/correlator.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace flashphase::score {
namespace {

using Complex = std::complex<float>;
using Wide = std::complex<double>;

float largest_part(std::span<const Complex> image) {
  float largest = 0;
  for (const Complex value : image)
    largest = std::max({largest, std::abs(value.real()), std::abs(value.imag())});
  return largest;
}

/// The product without the detour of operator* for values that are not finite.
Wide times(Wide a, Wide b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// exp(2 pi i k d / edge) over the signed frequencies k.
std::vector<Wide> waves(std::size_t edge, double d) {
  std::vector<Wide> result;
  result.reserve(edge);
  for (std::size_t i = 0; i < edge; ++i) {
    const double k = static_cast<double>(i) - (2 * i < edge ? 0.0 : static_cast<double>(edge));
    result.push_back(std::polar(1.0, 2 * std::numbers::pi * k * d / static_cast<double>(edge)));
  }
  return result;
}

}  // namespace

Correlator::Correlator(std::span<const Complex> object, std::span<const Complex> reference, int n)
    : n_(n),
      object_(cells()),
      object_scale_(largest_part(object)),
      reference_scale_(largest_part(reference)),
      fft_(2 * n),
      p_re_(cells()),
      p_im_(cells()),
      g_re_(cells()),
      g_im_(cells()),
      c_re_(cells()),
      c_im_(cells()) {
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      const auto from = static_cast<std::size_t>(y * n + x);
      const std::size_t to = index(y - n / 2, x - n / 2);
      object_[to] = object[from];
      p_re_[to] = object[from].real() / object_scale_;
      p_im_[to] = object[from].imag() / object_scale_;
      g_re_[to] = reference[from].real() / reference_scale_;
      g_im_[to] = reference[from].imag() / reference_scale_;
    }
  }
  fft_.forward(p_re_.data(), p_im_.data());
  fft_.forward(g_re_.data(), g_im_.data());
}

std::size_t Correlator::index(int y, int x) const {
  const int size = 2 * n_;
  return static_cast<std::size_t>(((y % size + size) % size) * size + (x % size + size) % size);
}

Wide Correlator::object_coefficient(bool twin, std::size_t i) const {
  // The transform of the twin is the conjugate.
  return {static_cast<double>(p_re_[i]), (twin ? -1 : 1) * static_cast<double>(p_im_[i])};
}

Wide Correlator::cross_coefficient(bool twin, std::size_t i) const {
  const Wide reference(static_cast<double>(g_re_[i]), static_cast<double>(g_im_[i]));
  return times(std::conj(object_coefficient(twin, i)), reference);
}

Shift Correlator::peak(bool twin) {
  for (std::size_t i = 0; i < cells(); ++i) {
    const Wide coefficient = cross_coefficient(twin, i);
    c_re_[i] = static_cast<float>(coefficient.real());
    c_im_[i] = static_cast<float>(coefficient.imag());
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
  const auto from_origin = [this](std::size_t d) {
    const int pixels = static_cast<int>(d);
    return static_cast<double>(pixels > n_ ? pixels - 2 * n_ : pixels);
  };
  return {from_origin(best / edge()), from_origin(best % edge())};
}

Shift Correlator::refined_peak(bool twin, Shift start) const {
  return finest_of(twin, finest_of(twin, start, 0.1), 0.01);
}

/// The best of the grid of 21 x 21 points `step` apart around `middle`.
Shift Correlator::finest_of(bool twin, Shift middle, double step) const {
  constexpr int kReach = 10;
  constexpr std::size_t kPoints = 2 * kReach + 1;
  const std::size_t size = edge();
  std::vector<std::vector<Wide>> waves_y, waves_x;
  for (int point = -kReach; point <= kReach; ++point) {
    waves_y.push_back(waves(size, middle.y + point * step));
    waves_x.push_back(waves(size, middle.x + point * step));
  }
  std::vector<Wide> column(size), sums(kPoints * kPoints);
  for (std::size_t kx = 0; kx < size; ++kx) {
    for (std::size_t ky = 0; ky < size; ++ky) column[ky] = cross_coefficient(twin, kx * size + ky);
    for (std::size_t y = 0; y < kPoints; ++y) {
      Wide sum = 0;
      for (std::size_t ky = 0; ky < size; ++ky) sum += times(column[ky], waves_y[y][ky]);
      for (std::size_t x = 0; x < kPoints; ++x) sums[y * kPoints + x] += times(sum, waves_x[x][kx]);
    }
  }
  const auto best = std::max_element(
      sums.begin(), sums.end(), [](const Wide& a, const Wide& b) { return std::norm(a) < std::norm(b); });
  const auto point = static_cast<int>(best - sums.begin()), points = static_cast<int>(kPoints);
  return {middle.y + (point / points - kReach) * step, middle.x + (point % points - kReach) * step};
}

std::vector<Complex> Correlator::moved(bool twin, Shift whole) const {
  const int dy = static_cast<int>(whole.y), dx = static_cast<int>(whole.x);
  std::vector<Complex> result;
  result.reserve(cells() / 4);
  for (int y = 0; y < n_; ++y) {
    for (int x = 0; x < n_; ++x) {
      const int from_y = y - n_ / 2 - dy, from_x = x - n_ / 2 - dx;
      result.push_back(twin ? std::conj(object_[index(-from_y, -from_x)]) : object_[index(from_y, from_x)]);
    }
  }
  return result;
}

std::vector<Complex> Correlator::moved_in_fourier_space(bool twin, Shift shift) {
  const std::vector<Wide> wave_y = waves(edge(), -shift.y), wave_x = waves(edge(), -shift.x);
  for (std::size_t i = 0; i < cells(); ++i) {
    const Wide coefficient =
        times(object_coefficient(twin, i), times(wave_x[i / edge()], wave_y[i % edge()]));
    c_re_[i] = static_cast<float>(coefficient.real());
    c_im_[i] = static_cast<float>(coefficient.imag());
  }
  fft_.inverse(c_re_.data(), c_im_.data());
  std::vector<Complex> result;
  result.reserve(cells() / 4);
  for (int y = 0; y < n_; ++y) {
    for (int x = 0; x < n_; ++x) {
      const std::size_t from = index(y - n_ / 2, x - n_ / 2);
      result.push_back(object_scale_ * Complex(c_re_[from], c_im_[from]));
    }
  }
  return result;
}

}  // namespace flashphase::score
