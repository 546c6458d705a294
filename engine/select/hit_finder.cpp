#include "engine/select/hit_finder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include "engine/preprocess/pixels.h"

namespace flashphase::select {

HitFinder::HitFinder(const Config& config, std::shared_ptr<const preprocess::Calibration> calibration)
    : config_(config),
      calibration_(calibration ? std::move(calibration) : std::make_shared<const preprocess::Calibration>()) {
  if (!std::isfinite(config.pixel_threshold)) {
    throw std::invalid_argument("select.pixel_threshold must be a number of photons");
  }
  if (config.minimum_lit_pixels < 0) {
    throw std::invalid_argument("select.minimum_lit_pixels must be 0 (keep every frame) or positive");
  }
}

Result<float> HitFinder::operator()(const Frame& frame) const {
  if (const auto reason = preprocess::check_pixels(frame, *calibration_)) return *reason;
  constexpr int kChunk = 512;
  std::array<float, kChunk> photons;
  std::array<std::uint8_t, kChunk> measured;
  const ValidRange range = config_.limits.of(frame.type);
  std::int64_t lit = 0;
  for (int y = 0; y < frame.height; ++y) {
    for (int x = 0; x < frame.width; x += kChunk) {
      const int count = std::min(kChunk, frame.width - x);
      preprocess::read_photons(frame, *calibration_, range, {y, x, count}, photons.data(), measured.data());
      int lit_here = 0;
      for (int i = 0; i < count; ++i)
        lit_here += static_cast<int>(photons[i] > config_.pixel_threshold) & measured[i];
      lit += lit_here;
    }
  }
  if (lit < config_.minimum_lit_pixels) return Rejection::not_a_hit;
  return static_cast<float>(lit);
}

}  // namespace flashphase::select
