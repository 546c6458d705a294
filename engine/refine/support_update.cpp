#include "engine/refine/support_update.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace flashphase::refine {
namespace {

/// to[i] += weight * from[i]
void add(float* to, const float* from, float weight, int count) {
  for (int i = 0; i < count; ++i) to[i] += weight * from[i];
}

/// to[i] = larger of to[i] and from[i]
void raise(float* to, const float* from, int count) {
  for (int i = 0; i < count; ++i) to[i] = from[i] > to[i] ? from[i] : to[i];
}

}  // namespace

SupportUpdate::SupportUpdate(int n)
    : n_(n),
      weights_(static_cast<std::size_t>(n) + 1),
      amplitude_(static_cast<std::size_t>(n * n)),
      blurred_(static_cast<std::size_t>(n * n)),
      row_(static_cast<std::size_t>(3 * n)),
      inside_(amplitude_.size()) {}

void SupportUpdate::stay_inside(std::span<const std::uint8_t> upper_limit) {
  allowed_.resize(upper_limit.size());
  std::ranges::transform(upper_limit, allowed_.begin(), [](auto inside) { return inside ? 1.0f : 0.0f; });
}

void SupportUpdate::make_weights(float sigma) {
  reach_ = std::min(n_, static_cast<int>(std::ceil(3 * sigma)));
  weights_[0] = 1;
  for (int d = 1; d <= reach_; ++d) {
    const float distance = static_cast<float>(d) / sigma;
    weights_[static_cast<std::size_t>(d)] = std::exp(-0.5f * distance * distance);
  }
}

void SupportUpdate::blur() {
  std::fill(blurred_.begin(), blurred_.end(), 0.0f);
  for (int y = 0; y < n_; ++y) {
    for (int from = std::max(0, y - reach_); from <= std::min(n_ - 1, y + reach_); ++from) {
      add(&blurred_[static_cast<std::size_t>(y * n_)], &amplitude_[static_cast<std::size_t>(from * n_)],
          weights_[static_cast<std::size_t>(std::abs(from - y))], n_);
    }
  }
  float* middle = row_.data() + n_;
  for (int y = 0; y < n_; ++y) {
    float* line = &blurred_[static_cast<std::size_t>(y * n_)];
    std::copy_n(line, n_, middle);
    std::fill_n(line, n_, 0.0f);
    for (int d = -reach_; d <= reach_; ++d) {
      add(line, middle + d, weights_[static_cast<std::size_t>(std::abs(d))], n_);
    }
  }
}

/// The blurred amplitude that this fraction of the square lies above.
float SupportUpdate::brightest(float area) {
  const auto asked = static_cast<std::size_t>(std::lround(area * static_cast<float>(blurred_.size())));
  const std::size_t count = std::max<std::size_t>(asked, 1);
  if (count >= blurred_.size()) return -1;
  std::copy(blurred_.begin(), blurred_.end(), amplitude_.begin());
  const auto at = amplitude_.begin() + static_cast<std::ptrdiff_t>(count);
  std::nth_element(amplitude_.begin(), at, amplitude_.end(), std::greater<>());
  return *at;
}

void SupportUpdate::grow() {
  std::copy(inside_.begin(), inside_.end(), amplitude_.begin());
  for (int y = 0; y < n_; ++y) {
    float* line = &inside_[static_cast<std::size_t>(y * n_)];
    const float* before = &amplitude_[static_cast<std::size_t>(y * n_)];
    if (y > 0) raise(line, before - n_, n_);
    if (y < n_ - 1) raise(line, before + n_, n_);
    raise(line + 1, before, n_ - 1);
    raise(line, before + 1, n_ - 1);
  }
}

float SupportUpdate::largest_blurred() {
  float* row = row_.data() + n_;
  std::fill_n(row, n_, 0.0f);
  for (int y = 0; y < n_; ++y) raise(row, &blurred_[static_cast<std::size_t>(y * n_)], n_);
  return *std::max_element(row, row + n_);
}

bool SupportUpdate::operator()(const float* re, const float* im, int stride, float sigma,
                               const ShrinkWrap& rule, float* support) {
  for (int y = 0; y < n_; ++y) {
    for (int x = 0; x < n_; ++x) {
      const int i = y * stride + x;
      amplitude_[static_cast<std::size_t>(y * n_ + x)] = std::sqrt(re[i] * re[i] + im[i] * im[i]);
    }
  }
  make_weights(sigma);
  blur();
  for (std::size_t i = 0; i < allowed_.size(); ++i) blurred_[i] *= allowed_[i];
  const float largest = largest_blurred();
  if (!(largest > 0) || !std::isfinite(largest)) return false;
  const float threshold = rule.area > 0 ? brightest(rule.area) : rule.threshold * largest;
  for (std::size_t i = 0; i < inside_.size(); ++i) inside_[i] = blurred_[i] > threshold ? 1.0f : 0.0f;
  for (int i = 0; i < rule.grow; ++i) grow();
  for (std::size_t i = 0; i < allowed_.size(); ++i) inside_[i] *= allowed_[i];
  int changed = 0;
  for (int y = 0; y < n_; ++y) {
    for (int x = 0; x < n_; ++x) {
      const float inside = inside_[static_cast<std::size_t>(y * n_ + x)];
      changed |= support[y * stride + x] != inside;
      support[y * stride + x] = inside;
    }
  }
  return changed != 0;
}

}  // namespace flashphase::refine
