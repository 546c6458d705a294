#include "engine/score/noise.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace flashphase::score {
namespace {

/// u(k) for k = 0 .. 20; beyond, 1/4 + kTail / k is as near as 0.0005.
constexpr std::array kByCount{0.0f,    1.3303f, 0.3819f, 0.3802f, 0.3506f, 0.3227f, 0.3020f,
                              0.2878f, 0.2784f, 0.2722f, 0.2680f, 0.2651f, 0.2630f, 0.2614f,
                              0.2602f, 0.2593f, 0.2585f, 0.2579f, 0.2573f, 0.2569f, 0.2564f};
constexpr float kTail = 0.12f;

/// Without branches: intensities come in no order that a processor could foresee.
float variance(float count) {
  constexpr auto kLast = static_cast<float>(kByCount.size() - 2);
  const auto below = static_cast<std::size_t>(std::min(count, kLast));
  const float part = count - static_cast<float>(below);
  const float few = kByCount[below] + part * (kByCount[below + 1] - kByCount[below]);
  const float many = 0.25f + kTail / std::max(count, 1.0f);
  return part <= 1 ? few : many;
}

}  // namespace

float noise_residual(std::span<const float> intensity, std::span<const std::uint8_t> measured) {
  double noise = 0, photons = 0;
  for (std::size_t i = 0; i < intensity.size(); ++i) {
    const float count = measured[i] ? std::max(intensity[i], 0.0f) : 0.0f;
    noise += static_cast<double>(variance(count));
    photons += static_cast<double>(count);
  }
  return photons > 0 ? static_cast<float>(noise / photons) : 0.0f;
}

}  // namespace flashphase::score
