#include "trainer/training_data.h"

#include <cmath>
#include <stdexcept>

#include "engine/dataset/dataset.h"
#include "engine/simulate/random.h"
#include "trainer/generate.h"

namespace flashphase::trainer {
namespace {

constexpr std::size_t kChunk = 4096;  // objects read at once: the patterns beside them are not kept

}  // namespace

TrainingData::TrainingData(const std::string& path, const std::string& recipe) {
  for (std::size_t first = 0;; first += kChunk) {
    const Dataset piece = read_dataset(path, first, kChunk);
    if (first == 0) {
      if (piece.object_size == 0) throw std::runtime_error(path + " has no /objects; training needs them");
      if (recipe.empty() && piece.recipe.empty())
        throw std::runtime_error(path + " has no /recipe; name one to expose the objects by");
      recipe_ = recipe.empty() ? simulate::parse_recipe(piece.recipe) : load_recipe(recipe);
      if (recipe_.object_size != piece.object_size)
        throw std::runtime_error(path + " has objects of another size than the recipe's object_size");
      cells_ = piece.object_cells();
    }
    objects_.insert(objects_.end(), piece.objects.begin(), piece.objects.end());
    if (static_cast<std::size_t>(piece.count) < kChunk) break;
  }
  if (objects_.empty()) throw std::runtime_error(path + " has no objects");
  drawn_.resize(cells_);
  intensity_.resize(4 * cells_);
  measured_.resize(4 * cells_);
  detector_.emplace_back(recipe_);
  features_.emplace_back(pattern_size(), object_size());
  projection_.emplace_back(pattern_size(), object_size());
}

// Mirrors map i to (n - i) mod n so that the origin [n/2, n/2] stays where it is.
void TrainingData::draw_object(simulate::Random& random) {
  const int n = object_size();
  const std::size_t index = random.bits() % count();
  const std::complex<float>* object = objects_.data() + index * cells_;
  const std::uint64_t turn = random.bits();
  for (int y = 0; y < n; ++y)
    for (int x = 0; x < n; ++x) {
      int from_y = turn & 1 ? (n - y) % n : y;
      int from_x = turn & 2 ? (n - x) % n : x;
      if (turn & 4) std::swap(from_y, from_x);
      drawn_[static_cast<std::size_t>(y * n + x)] = object[from_y * n + from_x];
    }
}

void TrainingData::fill(std::uint64_t seed, std::uint64_t step, int batch, const BatchView& out) {
  const int m = pattern_size();
  const std::size_t pattern_cells = 4 * cells_;
  for (int i = 0; i < batch; ++i) {
    simulate::Random random(seed, step * static_cast<std::uint64_t>(batch) + static_cast<std::uint64_t>(i));
    draw_object(random);
    const simulate::Exposure exposure = detector_[0].pattern(drawn_, random.bits(), intensity_, measured_);
    simulate::apply_offset(drawn_, object_size(), exposure.offset_y, exposure.offset_x);

    const std::size_t at = static_cast<std::size_t>(i);
    float* modulus = out.modulus + at * pattern_cells;
    std::uint8_t* measured = out.measured + at * pattern_cells;
    features_[0](intensity_, measured_,
                 {out.features + at * cells_ * infer::kFeatureChannels, modulus, measured});

    // The truth in the normalised scale: its modulus has the same sum of squares over the measured pixels.
    float* re = out.truth + at * 2 * cells_;
    float* im = re + cells_;
    for (std::size_t k = 0; k < cells_; ++k) {
      re[k] = drawn_[k].real();
      im[k] = drawn_[k].imag();
    }
    float* truth_modulus = out.truth_modulus + at * pattern_cells;
    projection_[0].modulus(re, im, truth_modulus);
    double seen = 0;
    for (std::size_t k = 0; k < pattern_cells; ++k)
      if (measured[k]) seen += static_cast<double>(truth_modulus[k] * truth_modulus[k]);
    const auto scale = static_cast<float>(seen > 0 ? m * object_size() / 2.0 / std::sqrt(seen) : 1.0);
    for (std::size_t k = 0; k < 2 * cells_; ++k) re[k] *= scale;
    for (std::size_t k = 0; k < pattern_cells; ++k) truth_modulus[k] *= scale;
  }
}

}  // namespace flashphase::trainer
