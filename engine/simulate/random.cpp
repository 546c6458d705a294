#include "engine/simulate/random.h"

#include <bit>
#include <cmath>

namespace flashphase::simulate {
namespace {

std::uint64_t splitmix64(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

/// log(k!) for k >= 0; Stirling's series from 10 on (error below 1e-9). std::lgamma writes a global.
double log_factorial(double k) {
  constexpr std::array<double, 10> small{0.0,
                                         0.0,
                                         0.69314718055994531,
                                         1.79175946922805500,
                                         3.17805383034794562,
                                         4.78749174278204599,
                                         6.57925121201010100,
                                         8.52516136106541430,
                                         10.6046029027452502,
                                         12.8018274800814696};
  if (k < 10) return small[static_cast<std::size_t>(k)];
  constexpr double half_log_two_pi = 0.91893853320467274;
  const double inverse = 1.0 / k;
  return (k + 0.5) * std::log(k) - k + half_log_two_pi +
         inverse * (1.0 / 12 - inverse * inverse * (1.0 / 360 - inverse * inverse / 1260));
}

}  // namespace

Random::Random(std::uint64_t seed, std::uint64_t stream) {
  std::uint64_t mixed = stream;
  mixed = seed ^ splitmix64(mixed);
  for (auto& word : state_) word = splitmix64(mixed);
}

std::uint64_t element_seed(std::uint64_t seed, std::uint64_t index) {
  return Random(seed, index).bits();
}

std::uint64_t Random::bits() {
  const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

float Random::uniform() {
  return static_cast<float>(bits() >> 40) * 0x1p-24f;
}

float Random::uniform(Range range) {
  return range.min + (range.max - range.min) * uniform();
}

float Random::log_uniform(Range range) {
  const double low = std::log(static_cast<double>(range.min));
  const double high = std::log(static_cast<double>(range.max));
  return static_cast<float>(std::exp(low + (high - low) * static_cast<double>(uniform())));
}

int Random::whole(Range range) {
  const int low = static_cast<int>(std::lround(range.min));
  const int high = static_cast<int>(std::lround(range.max));
  return low + static_cast<int>(uniform() * static_cast<float>(high - low + 1));
}

bool Random::chance(float probability) {
  return uniform() < probability;
}

float Random::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_normal_;
  }
  const float radius = std::sqrt(-2.0f * std::log(1.0f - uniform()));
  const float angle = kFullTurn * uniform();
  spare_normal_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

float Random::poisson(float mean) {
  if (!(mean > 0)) return 0;
  return mean < 10 ? poisson_by_inversion(mean) : poisson_by_rejection(mean);
}

float Random::poisson_by_inversion(float mean) {
  double u = static_cast<double>(bits() >> 11) * 0x1p-53;
  if (u < 1.0 - static_cast<double>(mean))
    return 0;  // exp(-x) >= 1 - x: most dark pixels need no exponential
  double probability = std::exp(-static_cast<double>(mean));
  int k = 0;
  while (u >= probability && k < 100) {
    u -= probability;
    probability *= static_cast<double>(mean) / ++k;
  }
  return static_cast<float>(k);
}

float Random::poisson_by_rejection(float mean) {
  const double mu = static_cast<double>(mean);
  const double b = 0.931 + 2.53 * std::sqrt(mu);
  const double a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
  const double squeeze = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const double u = static_cast<double>(bits() >> 11) * 0x1p-53 - 0.5;
    const double v = static_cast<double>(bits() >> 11) * 0x1p-53;
    const double us = 0.5 - std::abs(u);
    const double k = std::floor((2 * a / us + b) * u + mu + 0.43);
    if (us >= 0.07 && v <= squeeze) return static_cast<float>(k);
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (std::log(v * inverse_alpha / (a / (us * us) + b)) <= k * std::log(mu) - mu - log_factorial(k))
      return static_cast<float>(k);
  }
}

}  // namespace flashphase::simulate
