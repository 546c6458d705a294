#include "engine/refine/loop/iterate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "engine/refine/bounds.h"
#include "engine/score/modulus.h"

namespace flashphase::refine {

Iterate::Iterate(int m)
    : loop_(make_loop(m)),
      fft_(m),
      cells_(loop_->cells()),
      modulus_(cells_),
      low_(cells_),
      high_(cells_),
      support_(cells_),
      a_re_(cells_),
      a_im_(cells_),
      b_re_(cells_),
      b_im_(cells_) {}

void Iterate::set_pattern(std::span<const float> intensity, std::span<const std::uint8_t> measured,
                          const ModulusRule& rule) {
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < intensity.size(); ++i) {
    if (!measured[i]) continue;
    sum += static_cast<double>(intensity[i]);
    ++count;
  }
  // A power of two: the scaling itself rounds nothing.
  unit_ = sum > 0 ? std::exp2(std::round(0.5 * std::log2(sum / static_cast<double>(count)))) : 1.0;
  score::modulus_in_fft_layout(intensity, measured, size(), static_cast<float>(1 / unit_), modulus_.data());
  modulus_energy_ = sum / (unit_ * unit_);
  bounded_ = rule != ModulusRule{};
  if (bounded_) {
    const std::size_t pixels = intensity.size();
    set_modulus_bounds(modulus_.span().first(pixels), size(), unit_, rule, low_.span().first(pixels),
                       high_.span().first(pixels));
    spread(low_);
    spread(high_);
  }
  spread(modulus_);
}

/// Rows of m floats, one behind the other, to rows of stride() with zeros between them.
void Iterate::spread(fft::AlignedFloats& plane) const {
  const auto m = static_cast<std::size_t>(size()), padded = static_cast<std::size_t>(stride());
  for (std::size_t y = m; y-- > 0;) {
    float* const to = plane.data() + y * padded;
    std::copy_backward(plane.data() + y * m, plane.data() + (y + 1) * m, to + m);
    std::fill(to + m, to + padded, 0.0f);
  }
}

void Iterate::set_start(std::span<const std::complex<float>> object, std::span<const std::uint8_t> support,
                        int n) {
  const auto width = static_cast<std::size_t>(n), padded = static_cast<std::size_t>(stride());
  float largest = 0;
  for (std::size_t i = 0; i < object.size(); ++i) {
    if (support[i]) largest = std::max({largest, std::abs(object[i].real()), std::abs(object[i].imag())});
  }
  // The last x of accelerated ER too: a factor of 0 does not rid the iterate of what is not finite there.
  for (fft::AlignedFloats* plane : {&support_, &a_re_, &a_im_}) std::fill_n(plane->data(), cells_, 0.0f);
  {
    const Loop::Edit g = loop_->edit();
    for (float* plane : {g.re, g.im}) std::fill_n(plane, cells_, 0.0f);
    for (std::size_t y = 0; y < width; ++y) {
      for (std::size_t x = 0; x < width; ++x) {
        const std::size_t from = y * width + x, to = y * padded + x;
        if (!support[from]) continue;
        support_[to] = 1;
        if (largest > 0) {
          g.re[to] = object[from].real() / largest;
          g.im[to] = object[from].imag() / largest;
        }
      }
    }
  }
  const auto scale = static_cast<float>(project().scale);
  const Loop::Edit g = loop_->edit();
  for (std::size_t i = 0; i < cells_; ++i) {
    g.re[i] *= scale;
    g.im[i] *= scale;
  }
}

Target Iterate::target() const {
  if (!bounded_) return {modulus_.data()};
  return {modulus_.data(), low_.data(), high_.data()};
}

Fit Iterate::project(bool fit) {
  const ModulusSums sums = loop_->project(target(), fit);
  if (!(sums.aa > 0) || !(modulus_energy_ > 0)) return {};
  // With b = a - e the least squares of s a - b leave ee - (ae)^2 / aa at s = 1 - ae / aa, without
  // cancellation.
  return {std::max(0.0, (sums.ee - sums.ae * sums.ae / sums.aa) / modulus_energy_), 1 - sums.ae / sums.aa};
}

void Iterate::update(const Update& update) {
  loop_->update(support_.data(), update);
}

void Iterate::accelerate(bool real, std::optional<double> chi2) {
  if (!chi2 || *chi2 > last_chi2_) momentum_ = 1;
  const double next = (1 + std::sqrt(1 + 4 * momentum_ * momentum_)) / 2;
  loop_->accelerate(support_.data(), real,
                    {a_re_.data(), a_im_.data(), static_cast<float>((momentum_ - 1) / next)});
  momentum_ = next;
  last_chi2_ = chi2.value_or(std::numeric_limits<double>::infinity());
}

void Iterate::difference_map(float beta, bool positive, bool real) {
  loop_->image(a_re_.data(), a_im_.data());
  const float relaxation = 1 / beta;
  const auto constrain_to = [&](bool inside, float& re, float& im) {
    if (!inside || (positive && re < 0)) re = im = 0;
    if (real) im = 0;
  };
  {
    // What P_M takes goes where g is, and g to b until then.
    const Loop::Edit g = loop_->edit();
    for (std::size_t i = 0; i < cells_; ++i) {
      const bool inside = support_[i] > 0;
      b_re_[i] = g.re[i];
      b_im_[i] = g.im[i];
      a_re_[i] += relaxation * (a_re_[i] - g.re[i]);
      a_im_[i] += relaxation * (a_im_[i] - g.im[i]);
      constrain_to(inside, a_re_[i], a_im_[i]);
      float re = g.re[i], im = g.im[i];
      constrain_to(inside, re, im);
      g.re[i] = re + relaxation * (b_re_[i] - re);
      g.im[i] = im + relaxation * (b_im_[i] - im);
    }
  }
  loop_->project(target(), false);
  const Loop::Edit g = loop_->edit();
  loop_->image(g.re, g.im);
  for (std::size_t i = 0; i < cells_; ++i) {
    g.re[i] = b_re_[i] + beta * (a_re_[i] - g.re[i]);
    g.im[i] = b_im_[i] + beta * (a_im_[i] - g.im[i]);
  }
}

MaximumLikelihood& Iterate::likelihood() {
  if (!likelihood_) likelihood_.emplace(size(), stride());
  return *likelihood_;
}

void Iterate::keep_start() {
  likelihood().pull_to(re(), im());
}

void Iterate::climb(bool first, float pull) {
  const Loop::Edit g = loop_->edit();
  likelihood().step({modulus_.data(), support_.data(), unit_, pull}, first, g.re, g.im);
}

void Iterate::smooth_outside(float width) {
  const int m = size();
  transform_g();
  const auto weight = [&](int k) {
    const float distance = static_cast<float>(std::min(k, m - k)) / width;
    return std::exp(-0.5f * distance * distance);
  };
  for (int k = 0; k < m; ++k) b_re_[static_cast<std::size_t>(k)] = weight(k);
  const auto row = static_cast<std::size_t>(m), pixels = row * row;
  for (std::size_t i = 0; i < pixels; ++i) {
    const float both = b_re_[i / row] * b_re_[i % row];
    a_re_[i] *= both;
    a_im_[i] *= both;
  }
  fft_.inverse(a_re_.data(), a_im_.data());
  spread(a_re_);
  spread(a_im_);
  const Loop::Edit g = loop_->edit();
  for (std::size_t i = 0; i < cells_; ++i) {
    if (support_[i] > 0) continue;
    g.re[i] = a_re_[i];
    g.im[i] = a_im_[i];
  }
}

void Iterate::constrain() {
  const Loop::Edit g = loop_->edit();
  for (std::size_t i = 0; i < cells_; ++i) {
    g.re[i] *= support_[i];
    g.im[i] *= support_[i];
  }
}

/// F g in the first [m, m] floats of a.
void Iterate::transform_g() {
  const auto m = static_cast<std::size_t>(size()), padded = static_cast<std::size_t>(stride());
  for (std::size_t y = 0; y < m; ++y) {
    std::copy_n(re() + y * padded, m, a_re_.data() + y * m);
    std::copy_n(im() + y * padded, m, a_im_.data() + y * m);
  }
  fft_.forward(a_re_.data(), a_im_.data());
}

std::span<const float> Iterate::calculated_modulus() {
  transform_g();
  const auto m = static_cast<std::size_t>(size());
  for (std::size_t i = 0; i < m * m; ++i) {
    a_re_[i] = static_cast<float>(unit_) * std::sqrt(a_re_[i] * a_re_[i] + a_im_[i] * a_im_[i]);
  }
  return a_re_.span().first(m * m);
}

}  // namespace flashphase::refine
