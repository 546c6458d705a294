#include "engine/infer/features.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace flashphase::infer {

FeatureMaker::FeatureMaker(int pattern_size, int object_size)
    : m_(pattern_size),
      n_(object_size),
      fft_(pattern_size),
      re_(static_cast<std::size_t>(m_) * static_cast<std::size_t>(m_)),
      im_(re_.size()) {}

float FeatureMaker::operator()(std::span<const float> intensity, std::span<const std::uint8_t> measured,
                               const FeatureView& out) {
  double total = 0;
  float brightest = 0;
  for (std::size_t i = 0; i < intensity.size(); ++i) {
    const float value = measured[i] ? intensity[i] : 0.0f;
    total += static_cast<double>(value);
    brightest = std::max(brightest, value);
  }
  const bool lit = total > 0;
  const float scale = lit ? static_cast<float>(m_ * n_ / 2.0 / std::sqrt(total)) : 0.0f;
  const float to_one = lit ? 1.0f / brightest : 0.0f;
  const float to_autocorrelation = lit ? static_cast<float>(static_cast<double>(m_) * m_ / total) : 0.0f;

  const int h = m_ / 2, g = m_ / 2;  // g: edge of the half-size grid
  for (int y = 0; y < m_; ++y) {
    const int ky = (y + h) % m_;
    for (int x = 0; x < m_; ++x) {
      const int kx = (x + h) % m_;
      const std::ptrdiff_t from = static_cast<std::ptrdiff_t>(y) * m_ + x;
      const std::ptrdiff_t to = static_cast<std::ptrdiff_t>(kx) * m_ + ky;
      const std::uint8_t seen = measured[from];
      const float value = seen ? intensity[from] : 0.0f;
      const float root = std::sqrt(value * to_one);
      out.modulus[to] = std::sqrt(value) * scale;
      out.measured[to] = seen;
      re_[to] = value * to_autocorrelation;
      im_[to] = 0;
      float* cell = out.features + (static_cast<std::ptrdiff_t>(y / 2) * g + x / 2) * kFeatureChannels;
      const int corner = (y % 2) * 2 + x % 2;
      cell[corner] = root;
      cell[4 + corner] = std::sqrt(root);
      cell[8 + corner] = seen ? 1.0f : 0.0f;
    }
  }
  // The autocorrelation lives in object space, origin moved to the middle; 1 at the origin.
  fft_.inverse(re_.data(), im_.data());
  for (int y = 0; y < m_; ++y) {
    for (int x = 0; x < m_; ++x) {
      const std::ptrdiff_t from = static_cast<std::ptrdiff_t>((y + h) % m_) * m_ + (x + h) % m_;
      float* cell = out.features + (static_cast<std::ptrdiff_t>(y / 2) * g + x / 2) * kFeatureChannels;
      const int corner = (y % 2) * 2 + x % 2;
      cell[12 + corner] = re_[from];
      cell[16 + corner] = im_[from];
    }
  }
  return scale;
}

void check_size(const ModelInfo& model, const PatternBatch& patterns) {
  if (patterns.size != model.pattern_size)
    throw std::invalid_argument("model " + model.name + " takes patterns of " +
                                std::to_string(model.pattern_size) + " pixels, not " +
                                std::to_string(patterns.size));
}

void take_answer(const float* re, const float* im, float scale, ObjectBatch& objects, int index) {
  const float to_photons = scale > 0 ? 1.0f / scale : 0.0f;
  const auto object = objects.object_of(index);
  const auto support = objects.support_of(index);
  float largest = 0;
  for (std::size_t i = 0; i < object.size(); ++i) {
    object[i] = std::complex<float>(re[i], im[i]) * to_photons;
    largest = std::max(largest, std::norm(object[i]));
  }
  const float threshold = kSupportThreshold * kSupportThreshold * largest;
  for (std::size_t i = 0; i < object.size(); ++i) support[i] = std::norm(object[i]) > threshold;
  objects.residual[static_cast<std::size_t>(index)] = -1.0f;
}

}  // namespace flashphase::infer
