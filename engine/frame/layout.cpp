#include "engine/frame/layout.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

namespace flashphase {

namespace {

/// Pixels in memory, far more than there are and far from what overflows.
constexpr std::int64_t kMostPixels = std::int64_t{1} << 40;
constexpr int kLongestEdge = 1 << 16;

std::int64_t position(const Module& module, int row, int column) {
  return module.offset + row * module.stride_y + column * module.stride_x;
}

struct Ends {
  std::int64_t low, high;  ///< first and last pixel in memory
};

/// Of rows [first, last] of a module.
Ends ends_of(const Module& module, int first, int last) {
  const auto [low, high] =
      std::minmax({position(module, first, 0), position(module, last, 0),
                   position(module, first, module.width - 1), position(module, last, module.width - 1)});
  return {low, high};
}

bool overlap(const Module& a, const Module& b) {
  return a.y < b.y + b.height && b.y < a.y + a.height && a.x < b.x + b.width && b.x < a.x + a.width;
}

bool within(std::int64_t value) {
  return value > -kMostPixels && value < kMostPixels;
}

}  // namespace

Layout::Layout(int height, int width, std::vector<Module> modules)
    : height_(height), width_(width), modules_(std::move(modules)) {
  if (height < 1 || width < 1 || height > kLongestEdge || width > kLongestEdge)
    throw std::invalid_argument("an image has edges from 1 to 65536 pixels");
  if (modules_.empty()) throw std::invalid_argument("an image has one module at least");
  rows_.resize(static_cast<std::size_t>(height));
  for (std::size_t i = 0; i < modules_.size(); ++i) {
    const Module& module = modules_[i];
    const auto fail = [i](const std::string& what) {
      throw std::invalid_argument("module " + std::to_string(i) + " " + what);
    };
    if (module.height < 1 || module.width < 1) fail("has no pixels");
    if (module.y < 0 || module.x < 0 || module.height > height - module.y || module.width > width - module.x)
      fail("lies beyond the image");
    if (!within(module.offset) || !within(module.stride_y * kLongestEdge) ||
        !within(module.stride_x * kLongestEdge))
      fail("has a stride or an offset that no memory holds");
    const Ends ends = ends_of(module, 0, module.height - 1);
    if (ends.low < 0) fail("begins before the first pixel in memory");
    extent_ = std::max(extent_, static_cast<std::size_t>(ends.high) + 1);
    for (std::size_t k = 0; k < i; ++k)
      if (overlap(module, modules_[k])) fail("lies on module " + std::to_string(k));
    for (int y = module.y; y < module.y + module.height; ++y)
      rows_[static_cast<std::size_t>(y)].push_back(&module);
  }
}

Layout::Range Layout::extent_of(int first, int last) const {
  std::int64_t low = std::numeric_limits<std::int64_t>::max(), high = -1;
  for (const Module& module : modules_) {
    const int begin = std::max(first, module.y) - module.y;
    const int end = std::min(last, module.y + module.height) - module.y;
    if (begin >= end) continue;
    const Ends ends = ends_of(module, begin, end - 1);
    low = std::min(low, ends.low);
    high = std::max(high, ends.high);
  }
  if (high < 0) return {};
  return {static_cast<std::size_t>(low), static_cast<std::size_t>(high) + 1};
}

}  // namespace flashphase
