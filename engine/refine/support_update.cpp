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

}  // namespace

SupportUpdate::SupportUpdate(int n)
    : n_(n),
      weights_(static_cast<std::size_t>(n) + 1),
      amplitude_(static_cast<std::size_t>(n * n)),
      blurred_(static_cast<std::size_t>(n * n)),
      row_(static_cast<std::size_t>(3 * n)),
      inside_(amplitude_.size()) {}

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
  const auto before = [&](int y, int x) {
    return y >= 0 && y < n_ && x >= 0 && x < n_ && amplitude_[static_cast<std::size_t>(y * n_ + x)] > 0;
  };
  for (int y = 0; y < n_; ++y) {
    for (int x = 0; x < n_; ++x) {
      if (before(y - 1, x) || before(y + 1, x) || before(y, x - 1) || before(y, x + 1)) {
        inside_[static_cast<std::size_t>(y * n_ + x)] = 1;
      }
    }
  }
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
  const float largest = *std::max_element(blurred_.begin(), blurred_.end());
  if (!(largest > 0) || !std::isfinite(largest)) return false;
  const float threshold = rule.area > 0 ? brightest(rule.area) : rule.threshold * largest;
  for (std::size_t i = 0; i < inside_.size(); ++i) inside_[i] = blurred_[i] > threshold ? 1.0f : 0.0f;
  for (int i = 0; i < rule.grow; ++i) grow();
  bool changed = false;
  for (int y = 0; y < n_; ++y) {
    for (int x = 0; x < n_; ++x) {
      const float inside = inside_[static_cast<std::size_t>(y * n_ + x)];
      changed |= support[y * stride + x] != inside;
      support[y * stride + x] = inside;
    }
  }
  return changed;
}

}  // namespace flashphase::refine
