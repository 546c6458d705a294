#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/dataset/dataset.h"

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

/// Blanks as above, of size x size pixels.
std::vector<std::vector<float>> blank_images(int size, std::size_t count, std::uint64_t seed);

/// The patterns of a dataset file as wire images, round and round: NaN where they are not measured. Holds a
/// few megabytes of them, however large the file. Thread: one.
class DatasetImages {
 public:
  /// Throws as DatasetReader, and std::invalid_argument when there is no pattern.
  explicit DatasetImages(const std::string& path);

  std::uint64_t count() const { return file_.count(); }
  int size() const { return file_.pattern_size(); }
  /// Of pattern `number` % count(); valid until the next call.
  std::span<const float> image(std::uint64_t number);

 private:
  DatasetReader file_;
  std::size_t first_ = 0;  // of the patterns in block_
  Dataset block_;
};

}  // namespace flashphase::tools
