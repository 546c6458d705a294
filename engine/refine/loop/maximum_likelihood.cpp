#include "engine/refine/loop/maximum_likelihood.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace flashphase::refine {
namespace {

constexpr double kBackground = 0.5;  // photons a pixel

}  // namespace

MaximumLikelihood::MaximumLikelihood(int m, int stride) : m_(m), stride_(stride), fft_(m) {
  const auto pixels = static_cast<std::size_t>(m) * static_cast<std::size_t>(m);
  const std::size_t cells = static_cast<std::size_t>(m) * static_cast<std::size_t>(stride);
  for (auto* plane : {&f_re_, &f_im_, &d_re_, &d_im_}) *plane = fft::AlignedFloats(pixels);
  for (auto* plane : {&to_re_, &to_im_, &slope_re_, &slope_im_, &way_re_, &way_im_})
    *plane = fft::AlignedFloats(cells);
}

void MaximumLikelihood::pull_to(const float* re, const float* im) {
  std::copy_n(re, to_re_.size(), to_re_.data());
  std::copy_n(im, to_im_.size(), to_im_.data());
}

void MaximumLikelihood::step(const Problem& problem, bool first, float* re, float* im) {
  if (first) begin(problem, re, im);
  transform(re, im, f_re_, f_im_);
  gradient(problem, re, im);
  transform(way_re_.data(), way_im_.data(), d_re_, d_im_);
  const auto far = static_cast<float>(length(problem, re, im));
  for (std::size_t i = 0; i < way_re_.size(); ++i) {
    re[i] += far * way_re_[i];
    im[i] += far * way_im_[i];
  }
}

void MaximumLikelihood::begin(const Problem& problem, float* re, float* im) {
  double energy = 0, along_re = 0, along_im = 0, inside = 0;
  for (std::size_t i = 0; i < to_re_.size(); ++i) {
    re[i] *= problem.support[i];
    im[i] *= problem.support[i];
    slope_re_[i] = slope_im_[i] = way_re_[i] = way_im_[i] = 0;
    inside += static_cast<double>(problem.support[i]);
    energy += static_cast<double>(to_re_[i] * to_re_[i] + to_im_[i] * to_im_[i]);
    along_re += static_cast<double>(to_re_[i] * re[i] + to_im_[i] * im[i]);
    along_im += static_cast<double>(to_re_[i] * im[i] - to_im_[i] * re[i]);
  }
  last_ = 0;
  const double photons = problem.unit * problem.unit;
  background_ = static_cast<float>(kBackground / photons);
  weight_ = 0;
  if (!(problem.pull > 0) || !(energy > 0)) return;
  weight_ = static_cast<float>(inside / (static_cast<double>(problem.pull) * energy * photons));
  // x0 knows no global phase.
  const double size = std::hypot(along_re, along_im);
  const auto c = static_cast<float>(size > 0 ? along_re / size : 1);
  const auto s = static_cast<float>(size > 0 ? along_im / size : 0);
  for (std::size_t i = 0; i < to_re_.size(); ++i) {
    const float x = to_re_[i], y = to_im_[i];
    to_re_[i] = c * x - s * y;
    to_im_[i] = c * y + s * x;
  }
}

void MaximumLikelihood::transform(const float* re, const float* im, fft::AlignedFloats& to_re,
                                  fft::AlignedFloats& to_im) {
  const auto m = static_cast<std::size_t>(m_), padded = static_cast<std::size_t>(stride_);
  for (std::size_t y = 0; y < m; ++y) {
    std::copy_n(re + y * padded, m, to_re.data() + y * m);
    std::copy_n(im + y * padded, m, to_im.data() + y * m);
  }
  fft_.forward(to_re.data(), to_im.data());
}

/// The next direction, from the gradient with respect to conj(x),
///   m^2 F^-1[(1 - I / (A + b)) F x] + (x - x0) / s^2  inside the support,
/// divided by what the Hessian's diagonal is about, m^2 + 1 / s^2.
void MaximumLikelihood::gradient(const Problem& problem, const float* re, const float* im) {
  const auto m = static_cast<std::size_t>(m_), padded = static_cast<std::size_t>(stride_);
  for (std::size_t y = 0; y < m; ++y) {
    for (std::size_t x = 0; x < m; ++x) {
      const std::size_t i = y * m + x;
      const float modulus = problem.modulus[y * padded + x];
      const float expected = f_re_[i] * f_re_[i] + f_im_[i] * f_im_[i] + background_;
      const float factor = modulus < 0 ? 0.0f : 1 - modulus * modulus / expected;
      d_re_[i] = factor * f_re_[i];
      d_im_[i] = factor * f_im_[i];
    }
  }
  fft_.inverse(d_re_.data(), d_im_.data());
  const auto pixels = static_cast<float>(m * m);
  double now = 0, before = 0;
  for (std::size_t y = 0; y < m; ++y) {
    for (std::size_t x = 0; x < m; ++x) {
      const std::size_t i = y * m + x, at = y * padded + x;
      const float inside = problem.support[at];
      const float u = inside * (pixels * d_re_[i] + weight_ * (re[at] - to_re_[at]));
      const float v = inside * (pixels * d_im_[i] + weight_ * (im[at] - to_im_[at]));
      before += static_cast<double>(u * slope_re_[at] + v * slope_im_[at]);
      slope_re_[at] = u / (pixels + weight_);
      slope_im_[at] = v / (pixels + weight_);
      now += static_cast<double>(u * slope_re_[at] + v * slope_im_[at]);
    }
  }
  const auto keep = static_cast<float>(last_ > 0 ? std::max(0.0, (now - before) / last_) : 0.0);
  last_ = now;
  for (std::size_t i = 0; i < way_re_.size(); ++i) {
    way_re_[i] = keep * way_re_[i] - slope_re_[i];
    way_im_[i] = keep * way_im_[i] - slope_im_[i];
  }
}

/// How far along the direction the minimum is.
double MaximumLikelihood::length(const Problem& problem, const float* re, const float* im) {
  const auto m = static_cast<std::size_t>(m_), padded = static_cast<std::size_t>(stride_);
  double slope = 0, curvature = 0, expected_curvature = 0;
  for (std::size_t y = 0; y < m; ++y) {
    float row_slope = 0, row_curvature = 0, row_expected = 0;
    for (std::size_t x = 0; x < m; ++x) {
      const std::size_t i = y * m + x;
      const float modulus = problem.modulus[y * padded + x];
      const float expected = f_re_[i] * f_re_[i] + f_im_[i] * f_im_[i] + background_;
      const float ratio = modulus * modulus / expected;
      const float half = f_re_[i] * d_re_[i] + f_im_[i] * d_im_[i];  // of the first derivative of A
      const float fourth = 4 * half * half / expected;
      const float measured = modulus < 0 ? 0.0f : 1.0f;
      row_slope += measured * 2 * half * (1 - ratio);
      row_curvature +=
          measured * (2 * (d_re_[i] * d_re_[i] + d_im_[i] * d_im_[i]) * (1 - ratio) + ratio * fourth);
      row_expected += measured * fourth;
    }
    slope += static_cast<double>(row_slope);
    curvature += static_cast<double>(row_curvature);
    expected_curvature += static_cast<double>(row_expected);
  }
  double towards = 0, square = 0;
  for (std::size_t i = 0; i < way_re_.size(); ++i) {
    towards += static_cast<double>((re[i] - to_re_[i]) * way_re_[i] + (im[i] - to_im_[i]) * way_im_[i]);
    square += static_cast<double>(way_re_[i] * way_re_[i] + way_im_[i] * way_im_[i]);
  }
  const auto pull = 2 * static_cast<double>(weight_);
  slope += pull * towards;
  // Where L bends the other way, its expected curvature (Fisher's) is positive still.
  const double bend = (curvature + pull * square > 0 ? curvature : expected_curvature) + pull * square;
  if (!(slope < 0)) last_ = 0;
  const double length = -slope / bend;
  return slope < 0 && bend > 0 && std::isfinite(length) ? length : 0;
}

}  // namespace flashphase::refine
