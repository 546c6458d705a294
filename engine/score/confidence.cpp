#include "engine/score/confidence.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "engine/score/energy.h"
#include "engine/score/rings.h"

namespace flashphase::score {
namespace {

using Complex = std::complex<float>;
using Object = std::vector<Complex>;

/// The results that are not all zero, on top of the first of them, at its energy.
std::vector<Object> aligned(std::span<const Complex> objects, std::size_t cells, int n,
                            Translation translation, const ForEach& each) {
  std::vector<Object> result;
  for (; !objects.empty(); objects = objects.subspan(cells)) {
    const auto object = objects.first(cells);
    if (energy(object) > 0) result.emplace_back(object.begin(), object.end());
  }
  if (result.empty()) return result;
  const double energy_wanted = energy(result.front());
  each(static_cast<int>(result.size()) - 1, [&](int i) {
    Object& object = result[static_cast<std::size_t>(i) + 1];
    object = align(object, result.front(), n, translation).aligned;
    const auto scale = static_cast<float>(std::sqrt(energy_wanted / energy(object)));
    for (Complex& value : object) value *= scale;
  });
  return result;
}

Object mean_of(const std::vector<Object>& objects, std::size_t cells) {
  Object mean(cells);
  for (const Object& object : objects) {
    for (std::size_t i = 0; i < cells; ++i) mean[i] += object[i] / static_cast<float>(objects.size());
  }
  return mean;
}

std::vector<float> transfer_function(const std::vector<Object>& objects, int n, int m) {
  RingTransform transform(n, m);
  std::vector<std::complex<double>> sum(transform.cells());
  std::vector<double> moduli(transform.cells());
  for (const Object& object : objects) {
    transform(object);
    for (std::size_t i = 0; i < transform.cells(); ++i) {
      sum[i] += transform.at(i);
      moduli[i] += std::sqrt(std::norm(transform.at(i)));
    }
  }
  std::vector<double> ratios(transform.rings()), pixels(transform.rings());
  for (std::size_t i = 0; i < transform.cells(); ++i) {
    const std::size_t ring = transform.ring_of(i);
    if (ring >= transform.rings() || !(moduli[i] > 0)) continue;
    ratios[ring] += std::abs(sum[i]) / moduli[i];
    ++pixels[ring];
  }
  std::vector<float> result(transform.rings());
  for (std::size_t ring = 0; ring < result.size(); ++ring) {
    if (pixels[ring] > 0) result[ring] = static_cast<float>(ratios[ring] / pixels[ring]);
  }
  return result;
}

}  // namespace

Confidence confidence(std::span<const Complex> objects, int n, int m, Translation translation,
                      const ForEach& each) {
  if (n < 1 || n > m)
    throw std::invalid_argument("confidence: the object must be no larger than the pattern");
  const std::size_t cells = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  if (objects.size() % cells != 0) throw std::invalid_argument("confidence: the objects must be [K, n, n]");
  const auto count = static_cast<double>(objects.size() / cells);
  const std::vector<Object> results = aligned(objects, cells, n, translation, each);

  Confidence answer;
  answer.mean = mean_of(results, cells);
  answer.prtf.assign(static_cast<std::size_t>(m / 2 + 1), 0.0f);
  if (results.size() >= 2) {
    // |sum u|^2 = K + the sum over ordered pairs, so that no pair has to be visited.
    const auto size = static_cast<double>(results.size());
    const double energy_of_sum = size * size * energy(answer.mean) / energy(results.front());
    answer.agreement = static_cast<float>(std::max(0.0, (energy_of_sum - size) / (count * (count - 1))));
    answer.prtf = transfer_function(results, n, m);
  }
  const std::vector<float> threshold(answer.prtf.size(), static_cast<float>(1 / std::numbers::e));
  answer.resolution = resolution(answer.prtf, threshold, m);
  return answer;
}

}  // namespace flashphase::score
