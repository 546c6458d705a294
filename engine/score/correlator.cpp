#include "engine/score/correlator.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace flashphase::score {
namespace {

using Complex = std::complex<float>;

float largest_part(std::span<const Complex> image) {
  float largest = 0;
  for (const Complex value : image)
    largest = std::max({largest, std::abs(value.real()), std::abs(value.imag())});
  return largest;
}

/// A row of complex numbers, real and imaginary part apart.
struct Row {
  explicit Row(std::size_t size) : re(size), im(size) {}

  std::vector<float> re, im;
};

/// exp(2 pi i k d / edge) over the signed frequencies k: powers of one wave, so that a table takes one sine.
Row waves(std::size_t edge, double d) {
  const std::complex<double> first = std::polar(1.0, 2 * std::numbers::pi * d / static_cast<double>(edge));
  Row row(edge);
  double re = 1, im = 0;
  for (std::size_t k = 0; 2 * k <= edge; ++k) {
    row.re[(edge - k) % edge] = row.re[k] = static_cast<float>(re);
    row.im[(edge - k) % edge] = static_cast<float>(-im);
    if (2 * k < edge) row.im[k] = static_cast<float>(im);
    const double next = re * first.real() - im * first.imag();
    im = re * first.imag() + im * first.real();
    re = next;
  }
  return row;
}

/// sum a b
Complex sum_of_products(const float* a_re, const float* a_im, const Row& b) {
  const float *b_re = b.re.data(), *b_im = b.im.data();
  float re = 0, im = 0;
#pragma omp simd reduction(+ : re, im)
  for (std::size_t i = 0; i < b.re.size(); ++i) {
    re += a_re[i] * b_re[i] - a_im[i] * b_im[i];
    im += a_re[i] * b_im[i] + a_im[i] * b_re[i];
  }
  return {re, im};
}

}  // namespace

Correlator::Correlator(std::span<const Complex> object, std::span<const Complex> reference, int n)
    : n_(n),
      object_(object),
      object_scale_(largest_part(object)),
      fft_(2 * n),
      p_re_(cells()),
      p_im_(cells()),
      g_re_(cells()),
      g_im_(cells()),
      c_re_(cells()),
      c_im_(cells()) {
  const float reference_scale = largest_part(reference);
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      const auto from = static_cast<std::size_t>(y * n + x);
      const std::size_t to = index(y, x);
      p_re_[to] = object[from].real() / object_scale_;
      p_im_[to] = object[from].imag() / object_scale_;
      g_re_[to] = reference[from].real() / reference_scale;
      g_im_[to] = reference[from].imag() / reference_scale;
    }
  }
  fft_.forward(p_re_.data(), p_im_.data());
  fft_.forward(g_re_.data(), g_im_.data());
}

/// Where pixel [y, x] of an image lies on the grid.
std::size_t Correlator::index(int y, int x) const {
  const auto place = [this](int i) {
    return static_cast<std::size_t>(i < n_ / 2 ? i - n_ / 2 + 2 * n_ : i - n_ / 2);
  };
  return place(y) * edge() + place(x);
}

/// Into c: the transform of the cross-correlation. That of the twin is the conjugate of the object's.
void Correlator::correlate(bool twin) {
  const float sign = twin ? -1.0f : 1.0f;
  const float *p_re = p_re_.data(), *p_im = p_im_.data(), *g_re = g_re_.data(), *g_im = g_im_.data();
  float *c_re = c_re_.data(), *c_im = c_im_.data();
#pragma omp simd
  for (std::size_t i = 0; i < cells(); ++i) {
    c_re[i] = p_re[i] * g_re[i] + sign * p_im[i] * g_im[i];
    c_im[i] = p_re[i] * g_im[i] - sign * p_im[i] * g_re[i];
  }
}

Peak Correlator::peak(bool twin) {
  correlate(twin);
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
    return static_cast<double>(pixels >= n_ ? pixels - 2 * n_ : pixels);
  };
  return {{from_origin(best / edge()), from_origin(best % edge())}, std::sqrt(largest)};
}

Peak Correlator::refined(bool twin, const Peak& start) {
  correlate(twin);
  Peak highest = start;
  for (const double step : {0.25, 0.05, 0.01}) highest = highest_around(highest.at, step);
  return highest;
}

/// The best of the grid of 9 x 9 points `step` apart around `middle`.
Peak Correlator::highest_around(Shift middle, double step) const {
  constexpr int kReach = 4;
  const std::size_t size = edge();
  std::vector<Row> waves_x;
  for (int x = -kReach; x <= kReach; ++x) waves_x.push_back(waves(size, middle.x + x * step));
  Peak highest{middle, -1};
  Row sums(size);  // over ky, for each kx
  for (int y = -kReach; y <= kReach; ++y) {
    const Row waves_y = waves(size, middle.y + y * step);
    for (std::size_t kx = 0; kx < size; ++kx) {
      const Complex sum = sum_of_products(c_re_.data() + kx * size, c_im_.data() + kx * size, waves_y);
      sums.re[kx] = sum.real();
      sums.im[kx] = sum.imag();
    }
    for (int x = -kReach; x <= kReach; ++x) {
      const Row& waves_there = waves_x[static_cast<std::size_t>(x + kReach)];
      const Complex sum = sum_of_products(sums.re.data(), sums.im.data(), waves_there);
      const float height = std::sqrt(std::norm(sum)) / static_cast<float>(cells());
      if (height > highest.height) highest = {{middle.y + y * step, middle.x + x * step}, height};
    }
  }
  return highest;
}

std::vector<Complex> Correlator::moved(bool twin, Shift whole) const {
  const int dy = static_cast<int>(whole.y), dx = static_cast<int>(whole.x);
  const auto source = [&](int i, int shift) { return twin ? 2 * (n_ / 2) - i + shift : i - shift; };
  std::vector<Complex> result(object_.size());
  for (int y = 0; y < n_; ++y) {
    const int v = source(y, dy);
    if (v < 0 || v >= n_) continue;
    for (int x = 0; x < n_; ++x) {
      const int u = source(x, dx);
      if (u < 0 || u >= n_) continue;
      const Complex value = object_[static_cast<std::size_t>(v * n_ + u)];
      result[static_cast<std::size_t>(y * n_ + x)] = twin ? std::conj(value) : value;
    }
  }
  return result;
}

std::vector<Complex> Correlator::moved_in_fourier_space(bool twin, Shift shift) {
  const Row wave_y = waves(edge(), -shift.y), wave_x = waves(edge(), -shift.x);
  const float sign = twin ? -1.0f : 1.0f;
  for (std::size_t kx = 0; kx < edge(); ++kx) {
    const float x_re = wave_x.re[kx], x_im = wave_x.im[kx];
    for (std::size_t ky = 0; ky < edge(); ++ky) {
      const std::size_t i = kx * edge() + ky;
      const float w_re = x_re * wave_y.re[ky] - x_im * wave_y.im[ky];
      const float w_im = x_re * wave_y.im[ky] + x_im * wave_y.re[ky];
      c_re_[i] = p_re_[i] * w_re - sign * p_im_[i] * w_im;
      c_im_[i] = p_re_[i] * w_im + sign * p_im_[i] * w_re;
    }
  }
  fft_.inverse(c_re_.data(), c_im_.data());
  std::vector<Complex> result;
  result.reserve(object_.size());
  for (int y = 0; y < n_; ++y) {
    for (int x = 0; x < n_; ++x) {
      const std::size_t from = index(y, x);
      result.push_back(object_scale_ * Complex(c_re_[from], c_im_[from]));
    }
  }
  return result;
}

}  // namespace flashphase::score
