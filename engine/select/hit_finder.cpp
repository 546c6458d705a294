#include "engine/select/hit_finder.h"

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace flashphase::select {

HitFinder::HitFinder(const Config& config) : config_(config) {
  if (!std::isfinite(config.pixel_threshold)) {
    throw std::invalid_argument("select.pixel_threshold must be a number of photons");
  }
  if (config.minimum_lit_pixels < 0) {
    throw std::invalid_argument("select.minimum_lit_pixels must be 0 (keep every frame) or positive");
  }
}

Result<float> HitFinder::operator()(preprocess::PhotonReader& pixels, preprocess::CentreOfMass* also) const {
  if (const auto reason = pixels.open()) return *reason;
  const float threshold = config_.pixel_threshold;
  std::int64_t lit = 0;
  if (also == nullptr) {
    for (int y = 0; y < pixels.height(); ++y) lit += pixels.brighter(y, threshold);
  } else {
    std::vector<float> photons(static_cast<std::size_t>(pixels.width()));
    std::vector<std::uint8_t> measured(photons.size());
    for (int y = 0; y < pixels.height(); ++y) {
      pixels.read({y, 0, pixels.width()}, photons.data(), measured.data());
      int lit_here = 0;
      for (std::size_t x = 0; x < photons.size(); ++x)
        lit_here += static_cast<int>(photons[x] > threshold) & measured[x];
      lit += lit_here;
      also->add(y, photons, measured);
    }
  }
  if (lit < config_.minimum_lit_pixels) return Rejection::not_a_hit;
  return static_cast<float>(lit);
}

}  // namespace flashphase::select
