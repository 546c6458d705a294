#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/frame/dataset.h"

namespace flashphase::tools {

/// Frames made before a run, so that making them does not bound the rate. Square float32 images of photons; a
/// pixel that was not measured is NaN, as the wire says it.
struct FramePool {
  int size = 0;  ///< m
  std::vector<std::vector<float>> hits;
  std::vector<std::vector<float>> blanks;  ///< background without a particle
};

struct SimulatedPoolOptions {
  std::size_t hits = 256;
  std::size_t blanks = 32;
  std::optional<float> photons;  ///< total of a hit, counted; noise-free when absent
  std::uint64_t seed = 1;
};

/// Particles of the paper's kind; blanks are Poisson counts of kBlankBackground photons a pixel.
FramePool simulated_pool(const SimulatedPoolOptions& options);
inline constexpr float kBlankBackground = 0.02f;

/// The patterns of a dataset, in its order, as hits; blanks as above.
FramePool dataset_pool(const Dataset& dataset, std::size_t blanks, std::uint64_t seed);

/// Pattern i as a wire image: NaN where the dataset's mask says not measured.
std::vector<float> wire_image(const Dataset& dataset, std::size_t i);

}  // namespace flashphase::tools
