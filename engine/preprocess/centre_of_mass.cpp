#include "engine/preprocess/centre_of_mass.h"

#include <algorithm>
#include <cmath>

namespace flashphase::preprocess {

/// From pixels all over the frame: half of it may be covered by the pattern.
CentreOfMass::CentreOfMass(const PhotonReader& reader)
    : columns_(static_cast<std::size_t>(reader.width())), moments_(columns_.size()) {
  constexpr int kSamplesAlong = 64;
  std::vector<float> samples, row(columns_.size());
  std::vector<std::uint8_t> measured(row.size());
  const int step_y = std::max(1, reader.height() / kSamplesAlong),
            step_x = std::max(1, reader.width() / kSamplesAlong);
  for (int y = step_y / 2; y < reader.height(); y += step_y) {
    reader.read({y, 0, reader.width()}, row.data(), measured.data());
    for (int x = step_x / 2; x < reader.width(); x += step_x)
      if (measured[static_cast<std::size_t>(x)]) samples.push_back(row[static_cast<std::size_t>(x)]);
  }
  if (samples.empty()) return;
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  const float level = *middle;
  if (!(level > 0)) return;
  for (float& sample : samples) sample = std::abs(sample - level);
  std::nth_element(samples.begin(), middle, samples.end());
  constexpr float kDeviations = 3,
                  kOfMedian = 1.4826f;  // of a normal distribution, from its median deviation
  level_ = level;
  threshold_ = level + kDeviations * std::max(kOfMedian * *middle, std::sqrt(level));
}

void CentreOfMass::add(int y, std::span<const float> photons, std::span<const std::uint8_t> measured) {
  for (std::size_t x = 0; x < photons.size(); ++x) {
    const auto value = photons[x] > threshold_ ? static_cast<double>(photons[x] - level_) : 0.0;
    any_measured_ |= measured[x];
    brightest_ = std::max(brightest_, photons[x]);
    columns_[x] += value;
    moments_[x] += value * y;
  }
}

std::optional<CentreOfMass::Point> CentreOfMass::point() const {
  double sum = 0, sum_y = 0, sum_x = 0;
  for (std::size_t x = 0; x < columns_.size(); ++x) {
    sum += columns_[x];
    sum_y += moments_[x];
    sum_x += columns_[x] * static_cast<double>(x);
  }
  if (!(sum > 0)) return std::nullopt;
  return Point{sum_y / sum, sum_x / sum};
}

}  // namespace flashphase::preprocess
