#include "engine/infer/modulus_projection.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace flashphase::infer {
namespace {}  // namespace

ModulusProjection::ModulusProjection(int pattern_size, int object_size)
    : m_(pattern_size),
      n_(object_size),
      fft_(pattern_size),
      re_(static_cast<std::size_t>(m_) * static_cast<std::size_t>(m_)),
      im_(re_.size()) {
  if (n_ < 2 || n_ % 2 != 0 || 2 * n_ > m_)
    throw std::invalid_argument("object size must be even and at most half the pattern size " +
                                std::to_string(m_) + ", not " + std::to_string(n_));
}

// The object's origin [n/2, n/2] goes to [0, 0], so that no shift is needed in Fourier space: its quadrants
// land in the corners of the frame.
void ModulusProjection::embed(const float* re, const float* im) {
  std::fill_n(re_.data(), re_.size(), 0.0f);
  std::fill_n(im_.data(), im_.size(), 0.0f);
  const int h = n_ / 2;
  for (int y = 0; y < n_; ++y) {
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(y < h ? m_ - h + y : y - h) * m_;
    const std::ptrdiff_t from = static_cast<std::ptrdiff_t>(y) * n_;
    std::copy_n(re + from, h, re_.data() + row + m_ - h);
    std::copy_n(im + from, h, im_.data() + row + m_ - h);
    std::copy_n(re + from + h, h, re_.data() + row);
    std::copy_n(im + from + h, h, im_.data() + row);
  }
}

void ModulusProjection::crop(float* re, float* im) const {
  const int h = n_ / 2;
  for (int y = 0; y < n_; ++y) {
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(y < h ? m_ - h + y : y - h) * m_;
    const std::ptrdiff_t to = static_cast<std::ptrdiff_t>(y) * n_;
    std::copy_n(re_.data() + row + m_ - h, h, re + to);
    std::copy_n(im_.data() + row + m_ - h, h, im + to);
    std::copy_n(re_.data() + row, h, re + to + h);
    std::copy_n(im_.data() + row, h, im + to + h);
  }
}

void ModulusProjection::project(const float* re, const float* im, const float* modulus,
                                const std::uint8_t* measured, float* out_re, float* out_im, float* field_re,
                                float* field_im) {
  embed(re, im);
  fft_.forward(re_.data(), im_.data());
  float* a = re_.data();
  float* b = im_.data();
  const std::size_t cells = re_.size();
  if (field_re != nullptr) {
    std::copy_n(a, cells, field_re);
    std::copy_n(b, cells, field_im);
  }
  for (std::size_t i = 0; i < cells; ++i) {
    const float gain = modulus[i] / std::sqrt(a[i] * a[i] + b[i] * b[i] + kTiny);
    const float scale = measured[i] ? gain : 1.0f;
    a[i] *= scale;
    b[i] *= scale;
  }
  fft_.inverse(a, b);
  crop(out_re, out_im);
}

void ModulusProjection::project_backward(const float* gradient_re, const float* gradient_im,
                                         const float* modulus, const std::uint8_t* measured,
                                         const float* field_re, const float* field_im, float* out_re,
                                         float* out_im) {
  embed(gradient_re, gradient_im);
  fft_.forward(re_.data(), im_.data());
  float* a = re_.data();
  float* b = im_.data();
  const std::size_t cells = re_.size();
  for (std::size_t i = 0; i < cells; ++i) {
    const float x = field_re[i], y = field_im[i];
    const float inverse = 1.0f / std::sqrt(x * x + y * y + kTiny);
    const float u = x * inverse, v = y * inverse;
    const float across = (b[i] * u - a[i] * v) * std::min(modulus[i] * inverse, kMaxGain);
    a[i] = measured[i] ? -across * v : a[i];
    b[i] = measured[i] ? across * u : b[i];
  }
  fft_.inverse(a, b);
  crop(out_re, out_im);
}

float ModulusProjection::chi2(const float* re, const float* im, const float* modulus, float* field_re,
                              float* field_im) {
  embed(re, im);
  fft_.forward(re_.data(), im_.data());
  std::copy_n(re_.data(), re_.size(), field_re);
  std::copy_n(im_.data(), im_.size(), field_im);
  double difference = 0, total = 0;
  for (std::size_t i = 0; i < re_.size(); ++i) {
    const float d = std::sqrt(re_[i] * re_[i] + im_[i] * im_[i]) - modulus[i];
    difference += static_cast<double>(d * d);
    total += static_cast<double>(modulus[i] * modulus[i]);
  }
  return total > 0 ? static_cast<float>(difference / total) : 1.0f;
}

void ModulusProjection::chi2_backward(float gradient, const float* modulus, float* field_re, float* field_im,
                                      float* out_re, float* out_im) {
  double total = 0;
  for (std::size_t i = 0; i < re_.size(); ++i) total += static_cast<double>(modulus[i] * modulus[i]);
  // m^2 because the adjoint of the unscaled forward transform is m^2 times the scaled inverse.
  const float scale =
      total > 0 ? static_cast<float>(2.0 * gradient * static_cast<double>(m_) * m_ / total) : 0.0f;
  for (std::size_t i = 0; i < re_.size(); ++i) {
    const float x = field_re[i], y = field_im[i];
    const float r = std::sqrt(x * x + y * y + kTiny);
    const float factor = scale * (r - modulus[i]) / r;
    re_[i] = factor * x;
    im_[i] = factor * y;
  }
  fft_.inverse(re_.data(), im_.data());
  crop(out_re, out_im);
}

void ModulusProjection::modulus(const float* re, const float* im, float* out) {
  embed(re, im);
  fft_.forward(re_.data(), im_.data());
  for (std::size_t i = 0; i < re_.size(); ++i) out[i] = std::sqrt(re_[i] * re_[i] + im_[i] * im_[i]);
}

}  // namespace flashphase::infer
