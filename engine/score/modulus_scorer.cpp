#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "engine/score/modulus.h"
#include "engine/score/score.h"

namespace flashphase::score {
namespace {

std::size_t square(int edge) {
  return static_cast<std::size_t>(edge) * static_cast<std::size_t>(edge);
}

/// What brings the largest part of a value to about 1; 0 for an object that is zero.
float scale_to_one(std::span<const std::complex<float>> object) {
  float largest = 0;
  for (const auto value : object) {
    largest = std::max(largest, std::abs(value.real()));
    largest = std::max(largest, std::abs(value.imag()));
  }
  return largest > 0 ? 1 / std::max(largest, std::numeric_limits<float>::min()) : 0;
}

}  // namespace

ModulusScorer::ModulusScorer(int pattern_size)
    : fft_(pattern_size),
      re_(square(pattern_size)),
      im_(square(pattern_size)),
      modulus_(square(pattern_size)) {}

void ModulusScorer::operator()(const PatternBatch& patterns, ObjectBatch& objects) {
  if (patterns.size != fft_.size() || patterns.count != objects.count) {
    throw std::invalid_argument("score: patterns and objects must fit in size and number");
  }
  for (int i = 0; i < patterns.count; ++i) {
    objects.residual[static_cast<std::size_t>(i)] =
        (*this)(patterns.intensity_of(i), patterns.measured_of(i), objects.object_of(i), objects.size);
  }
}

float ModulusScorer::operator()(std::span<const float> intensity, std::span<const std::uint8_t> measured,
                                std::span<const std::complex<float>> object, int object_size) {
  const auto m = static_cast<std::size_t>(fft_.size()), n = static_cast<std::size_t>(object_size);
  if (n > m || object.size() != n * n || intensity.size() != m * m || measured.size() != m * m) {
    throw std::invalid_argument(
        "score: pattern and object must be square, the object no larger than the pattern");
  }
  const float scale = scale_to_one(object);
  if (!(scale > 0)) return 1;
  // The modulus does not change when the object moves, so that it may sit in the corner.
  std::fill_n(re_.data(), m * m, 0.0f);
  std::fill_n(im_.data(), m * m, 0.0f);
  for (std::size_t y = 0; y < n; ++y) {
    for (std::size_t x = 0; x < n; ++x) {
      re_[y * m + x] = scale * object[y * n + x].real();
      im_[y * m + x] = scale * object[y * n + x].imag();
    }
  }
  fft_.forward(re_.data(), im_.data());
  modulus_in_fft_layout(intensity, measured, fft_.size(), 1, modulus_.data());
  const double chi2 = modulus_chi2(re_.data(), im_.data(), modulus_.data(), m * m);
  return std::isfinite(chi2) ? static_cast<float>(chi2) : 1;
}

}  // namespace flashphase::score
