#include "engine/score/split.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <random>

namespace flashphase::score {
namespace {

constexpr float kMost = 0x1p24f;  // from here on floats are not all whole numbers apart
constexpr std::int64_t kCoins = 1 << 16;

std::int64_t heads_of(std::int64_t count, std::mt19937_64& random) {
  if (count > kCoins) {
    const auto uniform = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
    const double normal = std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
    const double half = static_cast<double>(count) / 2;
    return std::clamp<std::int64_t>(std::llround(half + std::sqrt(half / 2) * normal), 0, count);
  }
  std::int64_t heads = 0;
  for (; count >= 64; count -= 64) heads += std::popcount(random());
  if (count > 0) heads += std::popcount(random() >> (64 - count));
  return heads;
}

}  // namespace

bool holds_counts(std::span<const float> intensity, std::span<const std::uint8_t> measured) {
  for (std::size_t i = 0; i < intensity.size(); ++i)
    if (measured[i] && intensity[i] > 0 && intensity[i] < 0.5f) return false;
  return true;
}

Halves split_counts(std::span<const float> intensity, std::span<const std::uint8_t> measured,
                    std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Halves halves{std::vector<float>(intensity.size()), std::vector<float>(intensity.size())};
  for (std::size_t i = 0; i < intensity.size(); ++i) {
    if (!measured[i]) continue;
    const std::int64_t count = std::llround(std::clamp(intensity[i], 0.0f, kMost));
    const std::int64_t heads = heads_of(count, random);
    halves.seen[i] = static_cast<float>(heads);
    halves.unseen[i] = static_cast<float>(count - heads);
  }
  return halves;
}

}  // namespace flashphase::score
