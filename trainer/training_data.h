#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/infer/features.h"
#include "engine/infer/modulus_projection.h"
#include "engine/simulate/detector.h"
#include "engine/simulate/particle.h"
#include "engine/simulate/recipe.h"

namespace flashphase::trainer {

/// Where one training batch is written; all arrays belong to the caller.
struct BatchView {
  float* features;         ///< [B, m/2, m/2, kFeatureChannels]
  float* modulus;          ///< [B, m, m] what the network may see, layout of fft::Fft2
  std::uint8_t* measured;  ///< [B, m, m]
  float* truth;            ///< [B, 2, n, n] the object in the scale of the normalised modulus
  float* truth_modulus;    ///< [B, m, m] |F(truth)|: noise-free, unmasked
};

/// What is done to a drawn object before it is exposed. Turned: by multiples of 90 degrees and mirrored,
/// about its origin. Conjugated: all phases the other way round; with the half turn, that is the twin. Each
/// with its exact pattern, as it is exposed only then.
enum class Augment { kNone, kTurned, kTurnedAndConjugated };

/// "none", "turns" or "twins". Throws std::invalid_argument.
Augment augment_named(const std::string& name);

/// Training samples from the objects of a dataset: each drawn object is turned and mirrored at random,
/// exposed anew on the simulated detector, and preprocessed as in inference. Photons, masks, background and
/// the error of the centre are drawn anew each time, as the recipe says.
///
/// Thread: one.
class TrainingData {
 public:
  /// Reads the objects and exposes them as `recipe` says: a name or file for simulate::load_recipe, or
  /// empty for the dataset's own. Objects of a dataset whose recipe has a centre offset carry its phase ramp
  /// already: leave it out there. Throws std::runtime_error when there are no objects or no recipe,
  /// std::invalid_argument for a recipe that does not fit.
  explicit TrainingData(const std::string& path, const std::string& recipe = {}, int threads = 1);
  /// Simulates a new particle for each sample by the recipe `objects`, named as the other; "" = both are
  /// `recipe`.
  static TrainingData simulated(const std::string& objects, const std::string& recipe, int threads = 1);
  static TrainingData simulated(const simulate::Recipe& objects, const simulate::Recipe& recipe,
                                int threads = 1);

  int object_size() const { return recipe_.object_size; }
  int pattern_size() const { return 2 * recipe_.object_size; }
  /// Objects that samples are drawn from; 0: each is simulated.
  std::size_t count() const { return objects_.size() / cells_; }
  const simulate::Recipe& recipe() const { return recipe_; }

  /// The default is kTurned.
  void set_augment(Augment augment) { augment_ = augment; }

  /// Samples [first, first + count) of an endless series: each depends on seed and its number alone, whatever
  /// the number of threads.
  void fill(std::uint64_t seed, std::uint64_t first, int count, const BatchView& out);

 private:
  /// What one thread works with.
  struct Worker {
    Worker(const simulate::Recipe& objects, const simulate::Recipe& recipe);

    simulate::ParticleSimulator particles;
    simulate::DetectorSimulator detector;
    infer::FeatureMaker features;
    infer::ModulusProjection projection;
    std::vector<std::complex<float>> object, drawn;  // [n, n]
    std::vector<float> intensity;                    // [m, m]
    std::vector<std::uint8_t> measured;              // [m, m]
  };
  TrainingData() = default;
  void make_workers(const simulate::Recipe& objects, int threads);
  void draw_object(simulate::Random& random, Worker& worker) const;
  void make(simulate::Random random, std::size_t index, const BatchView& out, Worker& worker) const;

  simulate::Recipe recipe_;
  Augment augment_ = Augment::kTurned;
  std::size_t cells_ = 0;
  std::vector<std::complex<float>> objects_;  // [N, n, n]
  std::vector<Worker> workers_;
};

}  // namespace flashphase::trainer
