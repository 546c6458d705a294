#include "tools/frame_pool.h"

#include <cmath>
#include <limits>

#include "engine/simulate/detector.h"
#include "engine/simulate/particle.h"
#include "engine/simulate/random.h"

namespace flashphase::tools {
namespace {

constexpr std::uint64_t kBlankStream = 77;

std::size_t cells(int size) {
  return static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
}

void mark_unmeasured(std::span<const std::uint8_t> measured, std::vector<float>& image) {
  for (std::size_t p = 0; p < measured.size(); ++p)
    if (measured[p] == 0) image[p] = std::numeric_limits<float>::quiet_NaN();
}

void add_blanks(std::size_t count, std::uint64_t seed, FramePool& pool) {
  simulate::Random random(seed, kBlankStream);
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<float>& image = pool.blanks.emplace_back(cells(pool.size));
    for (float& pixel : image) pixel = random.poisson(kBlankBackground);
  }
}

}  // namespace

FramePool simulated_pool(const SimulatedPoolOptions& options) {
  simulate::Recipe recipe = simulate::paper_recipe();
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
  add_blanks(options.blanks, options.seed, pool);
  return pool;
}

FramePool dataset_pool(const Dataset& dataset, std::size_t blanks, std::uint64_t seed) {
  FramePool pool{dataset.pattern_size, {}, {}};
  for (std::size_t i = 0; i < static_cast<std::size_t>(dataset.count); ++i)
    pool.hits.push_back(wire_image(dataset, i));
  add_blanks(blanks, seed, pool);
  return pool;
}

std::vector<float> wire_image(const Dataset& dataset, std::size_t i) {
  const auto pattern = dataset.pattern(i);
  std::vector<float> image(pattern.begin(), pattern.end());
  mark_unmeasured(dataset.measured(i), image);
  return image;
}

}  // namespace flashphase::tools
