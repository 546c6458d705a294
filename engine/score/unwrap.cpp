#include "engine/score/unwrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

namespace flashphase::score {
namespace {

constexpr double kTurn = 2 * std::numbers::pi;

double turns_in(double angle) {
  return std::nearbyint(angle / kTurn);
}

double wrapped(double angle) {
  return angle - kTurn * turns_in(angle);
}

std::size_t checked_area(int height, int width) {
  const std::int64_t area = static_cast<std::int64_t>(height) * width;
  if (height < 1 || width < 1 || area > std::numeric_limits<std::int32_t>::max()) {
    throw std::invalid_argument(
        "unwrap: the image must have at least one row and one column and fewer than 2^31 pixels");
  }
  return static_cast<std::size_t>(area);
}

}  // namespace

Unwrapper::Unwrapper(int height, int width)
    : height_(height),
      width_(width),
      phase_(checked_area(height, width)),
      reliability_(phase_.size()),
      nodes_(phase_.size()) {
  edges_.reserve(2 * phase_.size());
}

void Unwrapper::operator()(std::span<const float> phase, std::span<const std::uint8_t> inside,
                           std::span<float> unwrapped) {
  if (phase.size() != phase_.size() || inside.size() != phase_.size() || unwrapped.size() != phase_.size()) {
    throw std::invalid_argument("unwrap: phase, mask and result must have the pixels of the image");
  }
  for (std::size_t i = 0; i < phase_.size(); ++i) {
    const bool counts = inside[i] && std::isfinite(phase[i]);
    phase_[i] = counts ? static_cast<double>(phase[i]) : std::numeric_limits<double>::quiet_NaN();
    nodes_[i] = {static_cast<std::int32_t>(i), 1, 0};
  }
  measure();
  collect_edges();
  std::sort(edges_.begin(), edges_.end(), [](const Edge& a, const Edge& b) {
    return a.reliability > b.reliability || (a.reliability == b.reliability && a.index < b.index);
  });
  for (const Edge& edge : edges_) join(edge);
  write(unwrapped);
}

void Unwrapper::measure() {
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x) {
      reliability_[static_cast<std::size_t>(y) * width_ + x] = surrounded(y, x) ? reliability(y, x) : 0;
    }
  }
}

bool Unwrapper::surrounded(int y, int x) const {
  if (y == 0 || x == 0 || y == height_ - 1 || x == width_ - 1) return false;
  for (int dy = -1; dy <= 1; ++dy) {
    const double* row = phase_.data() + static_cast<std::ptrdiff_t>(y + dy) * width_ + x;
    if (std::isnan(row[-1]) || std::isnan(row[0]) || std::isnan(row[1])) return false;
  }
  return true;
}

double Unwrapper::reliability(int y, int x) const {
  const double* middle = phase_.data() + static_cast<std::ptrdiff_t>(y) * width_ + x;
  const auto second_difference = [middle](std::ptrdiff_t step) {
    return wrapped(middle[-step] - middle[0]) - wrapped(middle[0] - middle[step]);
  };
  const double h = second_difference(1), v = second_difference(width_);
  const double d1 = second_difference(width_ + 1), d2 = second_difference(width_ - 1);
  return 1 / std::sqrt(h * h + v * v + d1 * d1 + d2 * d2);
}

void Unwrapper::collect_edges() {
  edges_.clear();
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x) {
      const std::size_t i = static_cast<std::size_t>(y) * width_ + x;
      if (std::isnan(phase_[i])) continue;
      const auto index = static_cast<std::uint32_t>(2 * i);
      if (x + 1 < width_ && !std::isnan(phase_[i + 1])) {
        edges_.push_back({reliability_[i] + reliability_[i + 1], index});
      }
      if (y + 1 < height_ && !std::isnan(phase_[i + width_])) {
        edges_.push_back({reliability_[i] + reliability_[i + width_], index + 1});
      }
    }
  }
}

Unwrapper::Group Unwrapper::find(std::int32_t pixel) {
  std::int32_t root = pixel;
  double turns = 0;
  for (; nodes_[root].parent != root; root = nodes_[root].parent) turns += nodes_[root].turns;
  const Group group{root, turns};
  // Every pixel on the way now hangs below the root, so that paths stay short.
  while (pixel != root) {
    const Node passed = nodes_[pixel];
    nodes_[pixel].parent = root;
    nodes_[pixel].turns = turns;
    turns -= passed.turns;
    pixel = passed.parent;
  }
  return group;
}

void Unwrapper::join(const Edge& edge) {
  const auto from = static_cast<std::int32_t>(edge.index / 2);
  const auto to = from + (edge.index % 2 ? width_ : 1);
  Group large = find(from), small = find(to);
  if (large.root == small.root) return;
  // What `to` must get more than `from`.
  double step = turns_in(phase_[from] - phase_[to]);
  if (nodes_[large.root].size < nodes_[small.root].size) {
    std::swap(large, small);
    step = -step;
  }
  nodes_[small.root].parent = large.root;
  nodes_[small.root].turns = large.turns + step - small.turns;
  nodes_[large.root].size += nodes_[small.root].size;
}

void Unwrapper::write(std::span<float> unwrapped) {
  std::vector<double>& sum = reliability_;
  std::fill(sum.begin(), sum.end(), 0.0);
  for (std::size_t i = 0; i < phase_.size(); ++i) {
    if (std::isnan(phase_[i])) continue;
    const Group group = find(static_cast<std::int32_t>(i));
    phase_[i] += kTurn * group.turns;
    sum[group.root] += phase_[i];
  }
  for (std::size_t i = 0; i < phase_.size(); ++i) {
    if (std::isnan(phase_[i])) {
      unwrapped[i] = 0;
      continue;
    }
    const std::int32_t root = find(static_cast<std::int32_t>(i)).root;
    unwrapped[i] = static_cast<float>(phase_[i] - kTurn * turns_in(sum[root] / nodes_[root].size));
  }
}

}  // namespace flashphase::score
