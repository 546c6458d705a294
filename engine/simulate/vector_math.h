#pragma once

#include <bit>
#include <cstdint>

namespace flashphase::simulate {

// Branch-free elementary functions that the compiler turns into vector code inside a loop, with the same bits
// on every machine (the vector mathematics of the C library differ between processors). Error of fast_log2
// and fast_exp2 below 3e-7 of the result, of fast_sincos below 4e-7 within two turns.

inline float round_to_whole(float x) {
  constexpr float magic = 0x1.8p23f;  // adding it leaves no room for a fraction
  return (x + magic) - magic;
}

/// x > 0 and normal.
inline float fast_log2(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  const std::int32_t exponent = (bits - 0x3f3504f3) >> 23;  // mantissa to [sqrt(1/2), sqrt(2))
  const float mantissa = std::bit_cast<float>(bits - exponent * (1 << 23));
  const float t = (mantissa - 1.0f) / (mantissa + 1.0f);
  const float t2 = t * t;
  const float series = 1.0f + t2 * (1.0f / 3 + t2 * (1.0f / 5 + t2 * (1.0f / 7 + t2 * (1.0f / 9))));
  return static_cast<float>(exponent) + 2.8853900818f * t * series;
}

/// 2^x, with x held within [-126, 126].
inline float fast_exp2(float x) {
  const float held = x < -126.0f ? -126.0f : (x > 126.0f ? 126.0f : x);
  const float whole = round_to_whole(held);
  const float y = 0.69314718056f * (held - whole);
  const float series =
      1.0f + y * (1.0f + y * (0.5f + y * (1.0f / 6 + y * (1.0f / 24 + y * (1.0f / 120 + y * (1.0f / 720))))));
  return series * std::bit_cast<float>((static_cast<std::int32_t>(whole) + 127) * (1 << 23));
}

/// |x| up to a few turns, radians.
inline void fast_sincos(float x, float& sine, float& cosine) {
  const float quarter = round_to_whole(x * 0.63661977237f);
  const float y = (x - quarter * 1.5703125f) - quarter * 4.8382679e-4f;  // pi/2 in two parts
  const float y2 = y * y;
  const float s = y + y * y2 * (-1.0f / 6 + y2 * (1.0f / 120 - y2 * (1.0f / 5040)));
  const float c = 1.0f + y2 * (-0.5f + y2 * (1.0f / 24 + y2 * (-1.0f / 720 + y2 * (1.0f / 40320))));
  const auto quadrant = static_cast<std::uint32_t>(static_cast<std::int32_t>(quarter));
  const bool swap = (quadrant & 1u) != 0;
  const auto sine_bits = std::bit_cast<std::uint32_t>(swap ? c : s);
  const auto cosine_bits = std::bit_cast<std::uint32_t>(swap ? s : c);
  sine = std::bit_cast<float>(sine_bits ^ ((quadrant & 2u) << 30));
  cosine = std::bit_cast<float>(cosine_bits ^ (((quadrant + 1u) & 2u) << 30));
}

}  // namespace flashphase::simulate
