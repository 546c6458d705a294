#include "tools/shared/frame_pool.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/simulate/detector.h"
#include "engine/simulate/particle.h"
#include "engine/simulate/random.h"

namespace flashphase::tools {
namespace {

constexpr std::uint64_t kBlankStream = 77;
constexpr std::size_t kBlockBytes = 8 << 20;  // of patterns read at once: some milliseconds

std::size_t cells(int size) {
  return static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
}

void mark_unmeasured(std::span<const std::uint8_t> measured, std::span<float> image) {
  for (std::size_t p = 0; p < measured.size(); ++p)
    if (measured[p] == 0) image[p] = std::numeric_limits<float>::quiet_NaN();
}

}  // namespace

FramePool simulated_pool(const SimulatedPoolOptions& options) {
  simulate::Recipe recipe = simulate::shipped_recipe("paper");
  if (options.photons) {
    recipe.noise_free_fraction = 0;
    recipe.photons = {*options.photons, *options.photons};
  }
  simulate::ParticleSimulator particles(recipe);
  simulate::DetectorSimulator detector(recipe);
  FramePool pool{detector.pattern_size(), {}, {}};
  std::vector<std::uint8_t> measured(cells(pool.size));
  for (std::size_t i = 0; i < options.hits; ++i) {
    const std::uint64_t seed = options.seed * 1'000'003 + i;
    std::vector<float>& image = pool.hits.emplace_back(cells(pool.size));
    detector.pattern(particles.object(seed), seed, image, measured);
    mark_unmeasured(measured, image);
  }
  pool.blanks = blank_images(pool.size, options.blanks, options.seed);
  return pool;
}

std::vector<std::vector<float>> blank_images(int size, std::size_t count, std::uint64_t seed) {
  simulate::Random random(seed, kBlankStream);
  std::vector<std::vector<float>> blanks(count, std::vector<float>(cells(size)));
  for (auto& image : blanks)
    for (float& pixel : image) pixel = random.poisson(kBlankBackground);
  return blanks;
}

DatasetImages::DatasetImages(const std::string& path) : file_(path) {
  file_.require_patterns();
}

std::span<const float> DatasetImages::image(std::uint64_t number) {
  const std::size_t index = number % count();
  if (index < first_ || index >= first_ + static_cast<std::size_t>(block_.count)) {
    first_ = index;
    block_ = file_.read(index, std::max<std::size_t>(1, kBlockBytes / (cells(size()) * sizeof(float))));
    for (std::size_t i = 0; i < static_cast<std::size_t>(block_.count); ++i)
      mark_unmeasured(block_.measured(i),
                      std::span(block_.patterns).subspan(i * cells(size()), cells(size())));
  }
  return block_.pattern(index - first_);
}

}  // namespace flashphase::tools
