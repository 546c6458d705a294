#include "engine/score/noise.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

namespace flashphase::score {
namespace {

/// u(k) for k = 0 .. 20; beyond, 1/4 + kTail / k is as near as 0.0005.
constexpr std::array kByCount{0.0f,    1.3303f, 0.3819f, 0.3802f, 0.3506f, 0.3227f, 0.3020f,
                              0.2878f, 0.2784f, 0.2722f, 0.2680f, 0.2651f, 0.2630f, 0.2614f,
                              0.2602f, 0.2593f, 0.2585f, 0.2579f, 0.2573f, 0.2569f, 0.2564f};
constexpr float kTail = 0.12f;

/// u between counts k and k + 1 is start + slope * count.
struct Line {
  float start, slope;
};
constexpr auto kLines = [] {
  std::array<Line, kByCount.size() - 1> lines{};
  for (std::size_t k = 0; k < lines.size(); ++k) {
    const float slope = kByCount[k + 1] - kByCount[k];
    lines[k] = {kByCount[k] - static_cast<float>(k) * slope, slope};
  }
  return lines;
}();

/// Without branches: intensities come in no order that a processor could foresee.
float variance(float count) {
  constexpr auto kLast = static_cast<float>(kLines.size() - 1);
  const Line line = kLines[static_cast<std::size_t>(static_cast<int>(std::min(count, kLast)))];
  const float few = line.start + line.slope * count;
  const float many = 0.25f + kTail / std::max(count, 1.0f);
  return count <= kLast + 1 ? few : many;
}

}  // namespace

float noise_residual(std::span<const float> intensity, std::span<const std::uint8_t> measured) {
  constexpr std::size_t kPiece = 64;  // summed in floats, several at a time
  double noise = 0, photons = 0;
  for (std::size_t first = 0; first < intensity.size(); first += kPiece) {
    const std::size_t last = std::min(intensity.size(), first + kPiece);
    float noises[4] = {}, counts[4] = {};
    for (std::size_t i = first; i < last; ++i) {
      const float count = measured[i] ? std::max(intensity[i], 0.0f) : 0.0f;
      noises[i % 4] += variance(count);
      counts[i % 4] += count;
    }
    for (const float sum : noises) noise += static_cast<double>(sum);
    for (const float sum : counts) photons += static_cast<double>(sum);
  }
  return photons > 0 ? static_cast<float>(noise / photons) : 0.0f;
}

bool is_counted(std::span<const float> intensity, std::span<const std::uint8_t> measured) {
  constexpr double kZeros = 0.05, kLowest = 0.05;
  constexpr float kLeast = 0.4f, kMost = 2;
  std::size_t pixels = 0;
  bool whole = true;
  std::vector<float> lit;
  for (std::size_t i = 0; i < intensity.size(); ++i) {
    if (!measured[i]) continue;
    ++pixels;
    whole = whole && intensity[i] == std::floor(intensity[i]);
    if (intensity[i] > 0) lit.push_back(intensity[i]);
  }
  if (whole || lit.empty()) return whole;
  if (static_cast<double>(pixels - lit.size()) < kZeros * static_cast<double>(pixels)) return false;
  const auto low = lit.begin() + static_cast<std::ptrdiff_t>(kLowest * static_cast<double>(lit.size()));
  std::ranges::nth_element(lit, low);
  return *low >= kLeast && *low <= kMost;
}

bool is_noisy(float noise_residual) {
  constexpr float kCutOff = 1e-5f;
  return noise_residual > kCutOff;
}

}  // namespace flashphase::score
