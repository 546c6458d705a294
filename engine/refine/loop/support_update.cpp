#include "engine/refine/loop/support_update.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>

namespace flashphase::refine {
namespace {

using Four [[gnu::vector_size(16), gnu::aligned(4), gnu::may_alias]] = float;
constexpr int kChunk = 16;  // sums kept in registers

/// to[0, 16) = sum over |d| <= reach of weights[|d|] from[d step + 0, 16)
void weigh(const float* from, std::ptrdiff_t step, const float* weights, int reach, float* to) {
  const auto at = [](const float* values, int part) { return reinterpret_cast<const Four*>(values)[part]; };
  Four sum[4];
  for (int part = 0; part < 4; ++part) sum[part] = weights[0] * at(from, part);
  for (int d = 1; d <= reach; ++d) {
    const float *before = from - d * step, *after = from + d * step;
    for (int part = 0; part < 4; ++part) sum[part] += weights[d] * (at(before, part) + at(after, part));
  }
  for (int part = 0; part < 4; ++part) reinterpret_cast<Four*>(to)[part] = sum[part];
}

/// to[i] = larger of to[i] and from[i]
void raise(float* to, const float* from, int count) {
  for (int i = 0; i < count; ++i) to[i] = from[i] > to[i] ? from[i] : to[i];
}

}  // namespace

SupportUpdate::SupportUpdate(int n)
    : n_(n),
      stride_((n + kChunk - 1) / kChunk * kChunk),
      weights_(static_cast<std::size_t>(n) + 1),
      amplitude_(static_cast<std::size_t>(3 * n * stride_)),
      row_(static_cast<std::size_t>(n + stride_ + n)),
      blurred_(static_cast<std::size_t>(n * n) + kChunk),
      before_(static_cast<std::size_t>(n * n)),
      inside_(before_.size()) {}

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
  float* middle = row_.data() + n_;
  for (int y = 0; y < n_; ++y) {
    const float* column = &amplitude_[static_cast<std::size_t>((n_ + y) * stride_)];
    for (int x = 0; x < n_; x += kChunk) weigh(column + x, stride_, weights_.data(), reach_, middle + x);
    float* line = &blurred_[static_cast<std::size_t>(y * n_)];  // its last chunk may reach into the next
    for (int x = 0; x < n_; x += kChunk) weigh(middle + x, 1, weights_.data(), reach_, line + x);
  }
}

/// The blurred amplitude that this fraction of the square lies above.
float SupportUpdate::brightest(float area) {
  const auto asked = static_cast<std::size_t>(std::lround(area * static_cast<float>(before_.size())));
  const std::size_t count = std::max<std::size_t>(asked, 1);
  if (count >= before_.size()) return -1;
  std::copy_n(blurred_.begin(), before_.size(), before_.begin());
  const auto at = before_.begin() + static_cast<std::ptrdiff_t>(count);
  std::nth_element(before_.begin(), at, before_.end(), std::greater<>());
  return *at;
}

void SupportUpdate::grow() {
  std::ranges::copy(inside_, before_.begin());
  for (int y = 0; y < n_; ++y) {
    float* line = &inside_[static_cast<std::size_t>(y * n_)];
    const float* before = &before_[static_cast<std::size_t>(y * n_)];
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

bool SupportUpdate::operator()(const float* re, const float* im, int stride, float part,
                               const ShrinkWrap& rule, float* support) {
  for (int y = 0; y < n_; ++y) {
    float* line = &amplitude_[static_cast<std::size_t>((n_ + y) * stride_)];
    for (int x = 0; x < n_; ++x) {
      const int i = y * stride + x;
      line[x] = std::sqrt(re[i] * re[i] + im[i] * im[i]);
    }
  }
  make_weights(rule.sigma_at(part));
  blur();
  for (std::size_t i = 0; i < allowed_.size(); ++i) blurred_[i] *= allowed_[i];
  const float largest = largest_blurred();
  if (!(largest > 0) || !std::isfinite(largest)) return false;
  const float area = rule.area_at(part);
  const float threshold = area > 0 ? brightest(area) : rule.threshold * largest;
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
