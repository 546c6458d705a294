#include "trainer/training_data.h"

#include <cmath>
#include <stdexcept>
#include <string>

#include "engine/dataset/dataset.h"
#include "engine/device/share_out.h"
#include "engine/simulate/random.h"
#include "engine/simulate/recipe.h"

namespace flashphase::trainer {
namespace {

constexpr std::size_t kChunk = 4096;  // objects read at once: the patterns beside them are not kept

}  // namespace

Augment augment_named(const std::string& name) {
  if (name == "none") return Augment::kNone;
  if (name == "turns") return Augment::kTurned;
  if (name == "twins") return Augment::kTurnedAndConjugated;
  throw std::invalid_argument("--augment must be none, turns or twins, not " + name);
}

TrainingData::Worker::Worker(const simulate::Recipe& objects, const simulate::Recipe& recipe)
    : particles(objects),
      detector(recipe),
      features(2 * recipe.object_size, recipe.object_size),
      projection(2 * recipe.object_size, recipe.object_size) {
  const auto cells =
      static_cast<std::size_t>(recipe.object_size) * static_cast<std::size_t>(recipe.object_size);
  object.resize(cells);
  drawn.resize(cells);
  intensity.resize(4 * cells);
  measured.resize(4 * cells);
}

TrainingData::TrainingData(const std::string& path, const std::string& recipe, int threads) {
  for (std::size_t first = 0;; first += kChunk) {
    const Dataset piece = read_dataset(path, first, kChunk);
    if (first == 0) {
      if (piece.object_size == 0) throw std::runtime_error(path + " has no /objects; training needs them");
      if (recipe.empty() && piece.recipe.empty())
        throw std::runtime_error(path + " has no /recipe; name one to expose the objects by");
      recipe_ = recipe.empty() ? simulate::parse_recipe(piece.recipe) : simulate::load_recipe(recipe);
      if (recipe_.object_size != piece.object_size)
        throw std::runtime_error(path + " has objects of another size than the recipe's object_size");
      cells_ = piece.object_cells();
    }
    objects_.insert(objects_.end(), piece.objects.begin(), piece.objects.end());
    if (static_cast<std::size_t>(piece.count) < kChunk) break;
  }
  if (objects_.empty()) throw std::runtime_error(path + " has no objects");
  make_workers(recipe_, threads);
}

TrainingData TrainingData::simulated(const std::string& objects, const std::string& recipe, int threads) {
  const simulate::Recipe exposed = simulate::load_recipe(recipe);
  return simulated(objects.empty() ? exposed : simulate::load_recipe(objects), exposed, threads);
}

TrainingData TrainingData::simulated(const simulate::Recipe& particles, const simulate::Recipe& recipe,
                                     int threads) {
  TrainingData data;
  data.recipe_ = recipe;
  const int n = recipe.object_size;
  if (particles.object_size != n)
    throw std::invalid_argument("the recipe of the objects has object_size " +
                                std::to_string(particles.object_size) + ", that of their exposure " +
                                std::to_string(n) + "; they must be the same");
  data.cells_ = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  data.make_workers(particles, threads);
  return data;
}

void TrainingData::make_workers(const simulate::Recipe& objects, int threads) {
  for (int i = 0; i < threads; ++i) workers_.emplace_back(objects, recipe_);
}

// Mirrors map i to (n - i) mod n so that the origin [n/2, n/2] stays where it is.
void TrainingData::draw_object(simulate::Random& random, Worker& worker) const {
  const int n = object_size();
  const std::uint64_t which = random.bits();
  const std::complex<float>* object = worker.object.data();
  if (objects_.empty())
    worker.particles.object(which, worker.object);
  else
    object = objects_.data() + which % count() * cells_;
  const std::uint64_t drawn = random.bits();
  const std::uint64_t turn = augment_ == Augment::kNone ? 0 : drawn;
  const bool conjugated = augment_ == Augment::kTurnedAndConjugated && (drawn & 8);
  for (int y = 0; y < n; ++y)
    for (int x = 0; x < n; ++x) {
      int from_y = turn & 1 ? (n - y) % n : y;
      int from_x = turn & 2 ? (n - x) % n : x;
      if (turn & 4) std::swap(from_y, from_x);
      const std::complex<float> value = object[from_y * n + from_x];
      worker.drawn[static_cast<std::size_t>(y * n + x)] = conjugated ? std::conj(value) : value;
    }
}

void TrainingData::fill(std::uint64_t seed, std::uint64_t first, int count, const BatchView& out) {
  share_out(static_cast<int>(workers_.size()), count, [&](int worker, int i) {
    make(simulate::Random(seed, first + static_cast<std::uint64_t>(i)), static_cast<std::size_t>(i), out,
         workers_[static_cast<std::size_t>(worker)]);
  });
}

void TrainingData::make(simulate::Random random, std::size_t at, const BatchView& out, Worker& worker) const {
  const int m = pattern_size();
  const std::size_t pattern_cells = 4 * cells_;
  draw_object(random, worker);
  const simulate::Exposure exposure =
      worker.detector.pattern(worker.drawn, random.bits(), worker.intensity, worker.measured);
  simulate::apply_offset(worker.drawn, object_size(), exposure.offset_y, exposure.offset_x);

  float* modulus = out.modulus + at * pattern_cells;
  std::uint8_t* measured = out.measured + at * pattern_cells;
  worker.features(worker.intensity, worker.measured,
                  {out.features + at * cells_ * infer::kFeatureChannels, modulus, measured});

  // The truth in the normalised scale: its modulus has the same sum of squares over the measured pixels.
  float* re = out.truth + at * 2 * cells_;
  float* im = re + cells_;
  for (std::size_t k = 0; k < cells_; ++k) {
    re[k] = worker.drawn[k].real();
    im[k] = worker.drawn[k].imag();
  }
  float* truth_modulus = out.truth_modulus + at * pattern_cells;
  worker.projection.modulus(re, im, truth_modulus);
  double seen = 0;
  for (std::size_t k = 0; k < pattern_cells; ++k)
    if (measured[k]) seen += static_cast<double>(truth_modulus[k] * truth_modulus[k]);
  const auto scale = static_cast<float>(seen > 0 ? m * object_size() / 2.0 / std::sqrt(seen) : 1.0);
  for (std::size_t k = 0; k < 2 * cells_; ++k) re[k] *= scale;
  for (std::size_t k = 0; k < pattern_cells; ++k) truth_modulus[k] *= scale;
}

}  // namespace flashphase::trainer
