#include "engine/infer/views.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace flashphase::infer {
namespace {

/// Calls `pair(place in the view, place in the original)` for all cells of a square whose origin
/// [size/2, size/2] stays where it is.
template <class Pair>
void for_each_cell(int size, int view, Pair pair) {
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) {
      int from_y = view & 1 ? (size - y) % size : y, from_x = x;
      if (view & 2) std::swap(from_y, from_x);
      pair(static_cast<std::size_t>(y * size + x), static_cast<std::size_t>(from_y * size + from_x));
    }
}

void turn(const PatternBatch& patterns, int view, PatternBatch& turned) {
  turned.count = patterns.count;
  turned.size = patterns.size;
  turned.intensity.resize(patterns.cells());
  turned.measured.resize(patterns.cells());
  for (int i = 0; i < patterns.count; ++i) {
    const auto intensity = patterns.intensity_of(i);
    const auto measured = patterns.measured_of(i);
    const std::size_t first = static_cast<std::size_t>(i) * patterns.pattern_cells();
    for_each_cell(patterns.size, view, [&](std::size_t to, std::size_t from) {
      turned.intensity[first + to] = intensity[from];
      turned.measured[first + to] = measured[from];
    });
  }
}

}  // namespace

int views_of(const ModelInfo& model, int starts) {
  return model.oriented ? std::min(starts, kViews) : 1;
}

const std::vector<std::complex<float>>& Views::operator()(const PatternBatch& patterns, int count) {
  const int n = network_.info().object_size, more = count - 1;
  const std::size_t cells = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  objects_.resize(static_cast<std::size_t>(patterns.count * more) * cells);
  for (int view = 1; view < count; ++view) {
    turn(patterns, view, turned_);
    network_.infer(turned_, answers_);
    for (int i = 0; i < patterns.count; ++i) {
      const auto answer = answers_.object_of(i);
      std::complex<float>* object = objects_.data() + static_cast<std::size_t>(i * more + view - 1) * cells;
      for_each_cell(n, view, [&](std::size_t at, std::size_t from) { object[from] = answer[at]; });
    }
  }
  return objects_;
}

}  // namespace flashphase::infer
