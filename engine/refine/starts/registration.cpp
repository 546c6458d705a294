#include "engine/refine/starts/registration.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "engine/score/align.h"
#include "engine/score/energy.h"

namespace flashphase::refine {
namespace {

using Complex = std::complex<float>;

constexpr float kFaint = 0.02f;  // of the largest amplitude

/// Where pixel i of one axis goes: about n/2 for the twin, then by the shift.
struct Motion {
  bool twin = false;
  int shift = 0;

  int operator()(int i, int n) const { return (twin ? 2 * (n / 2) - i : i) + shift; }
};

/// The shift nearest to the wanted one that keeps [first, last] in [0, n).
Motion inside_the_square(bool twin, int shift, int first, int last, int n) {
  const Motion still{twin, 0};
  const auto [low, high] = std::minmax({still(first, n), still(last, n)});
  return {twin, std::clamp(shift, -low, n - 1 - high)};
}

}  // namespace

void register_to(std::span<const Complex> reference, std::span<Complex> object,
                 std::span<std::uint8_t> support, int n) {
  if (!(score::energy(reference) > 0) || !(score::energy(object) > 0)) return;
  const score::Alignment alignment = score::align(object, reference, n);
  float largest = 0;
  for (const Complex value : object) largest = std::max(largest, std::abs(value));
  int top = n, bottom = -1, left = n, right = -1;
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      const auto i = static_cast<std::size_t>(y * n + x);
      if (!(std::abs(object[i]) > kFaint * largest)) continue;
      top = std::min(top, y);
      bottom = std::max(bottom, y);
      left = std::min(left, x);
      right = std::max(right, x);
    }
  }
  const auto whole = [](auto shift) { return static_cast<int>(std::lround(static_cast<double>(shift))); };
  const Motion move_y = inside_the_square(alignment.twin, whole(alignment.shift_y), top, bottom, n);
  const Motion move_x = inside_the_square(alignment.twin, whole(alignment.shift_x), left, right, n);

  const std::vector<Complex> before(object.begin(), object.end());
  const std::vector<std::uint8_t> support_before(support.begin(), support.end());
  std::fill(object.begin(), object.end(), Complex());
  std::fill(support.begin(), support.end(), std::uint8_t{0});
  std::complex<double> overlap = 0;
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      const int v = move_y(y, n), u = move_x(x, n);
      if (v < 0 || v >= n || u < 0 || u >= n) continue;
      const auto from = static_cast<std::size_t>(y * n + x), to = static_cast<std::size_t>(v * n + u);
      object[to] = alignment.twin ? std::conj(before[from]) : before[from];
      support[to] = support_before[from];
      overlap += static_cast<std::complex<double>>(std::conj(object[to]) * reference[to]);
    }
  }
  if (!(std::abs(overlap) > 0)) return;
  const auto phase = static_cast<Complex>(overlap / std::abs(overlap));
  for (Complex& value : object) value *= phase;
}

void register_to(const ObjectBatch& reference, ObjectBatch& objects) {
  if (reference.count != objects.count || reference.size != objects.size)
    throw std::invalid_argument("register_to: reference and objects differ in number or size");
  for (int i = 0; i < objects.count; ++i)
    register_to(reference.object_of(i), objects.object_of(i), objects.support_of(i), objects.size);
}

}  // namespace flashphase::refine
