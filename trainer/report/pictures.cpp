#include "trainer/report/pictures.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "trainer/judge.h"

namespace flashphase::trainer::report {
namespace {

Picture dark(std::size_t cells, Picture::Palette palette) {
  return {static_cast<int>(std::lround(std::sqrt(static_cast<double>(cells)))),
          std::vector<std::uint8_t>(cells), palette};
}

/// 0 to 1 as 1 to 255.
std::uint8_t level(float part) {
  return static_cast<std::uint8_t>(1 + std::lround(254 * std::clamp(part, 0.0f, 1.0f)));
}

}  // namespace

Picture picture_of_amplitude(std::span<const std::complex<float>> object) {
  Picture picture = dark(object.size(), Picture::Palette::brightness);
  float largest = 1e-30f;
  for (const auto& value : object) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < object.size(); ++i) picture.values[i] = level(std::abs(object[i]) / largest);
  return picture;
}

Picture picture_of_phase(std::span<const std::complex<float>> object) {
  Picture picture = dark(object.size(), Picture::Palette::cyclic);
  const auto inside = support_of(object);
  for (std::size_t i = 0; i < object.size(); ++i)
    if (inside[i]) picture.values[i] = level(0.5f + std::arg(object[i]) / (2 * std::numbers::pi_v<float>));
  return picture;
}

Picture picture_of_pattern(std::span<const float> intensity, std::span<const std::uint8_t> measured) {
  constexpr float kDecades = 5;
  Picture picture = dark(intensity.size(), Picture::Palette::brightness);
  const float largest = std::max(1e-30f, *std::ranges::max_element(intensity));
  for (std::size_t i = 0; i < intensity.size(); ++i)
    if (measured[i])
      picture.values[i] = level(1 + std::log10(std::max(1e-30f, intensity[i] / largest)) / kDecades);
  return picture;
}

}  // namespace flashphase::trainer::report
