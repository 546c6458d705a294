#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/frame/reconstruction.h"

namespace flashphase {

/// The range of inputs a model was trained on. Outside it a result is still given, and marked.
struct Domain {
  float photons_min = 0;        ///< sum of the measured pixels
  float photons_max = 0;        ///< 0 = no upper limit (noise-free patterns were part of the training)
  float unmeasured_max = 0;     ///< fraction of pixels not measured, 0..1
  float centre_offset_max = 0;  ///< centroid of the pattern's square root off [m/2, m/2], pixels

  bool contains(const Pattern& pattern) const;
};

struct ModelInfo {
  std::string name;       ///< e.g. "flash-16"; "none" for the autocorrelation start
  std::string hash;       ///< SHA-256 of the file's weights and metadata, hex; empty for "none"
  int pattern_size = 64;  ///< m
  int object_size = 32;   ///< n
  Domain domain;
};

/// Batch of patterns to batch of complex images. Seam: `flash`, `none`.
///
/// Thread: an instance serves one thread at a time; each worker makes its own. Blocking: computes and
/// returns. Precondition: patterns.size == info().pattern_size. The output is resized; `residual` is left
/// negative (the score stage fills it); `support` is the amplitude threshold of physics (0.1 of the maximum);
/// the object carries the scale of the pattern. An all-zero pattern gives an all-zero object.
class Network {
 public:
  virtual ~Network() = default;
  virtual const ModelInfo& info() const = 0;
  virtual void infer(const PatternBatch& patterns, ObjectBatch& objects) = 0;
  /// "fp32" or "bf16".
  virtual std::string precision() const = 0;
};

struct NetworkOptions {
  enum class Precision { automatic, fp32, bf16 };
  Precision precision =
      Precision::automatic;             ///< automatic: bf16 where the CPU has AVX512_BF16 or AMX, else fp32
  int threads = 1;                      ///< threads used inside one infer() call
  std::vector<int> warm_up_batches{1};  ///< every batch size in use, run once before the factory returns
};

/// Makes the network `model`: the word "none" (object from the autocorrelation, for running without a model)
/// or the path of a checkpoint file. Throws std::runtime_error with one sentence when the file is missing,
/// damaged or does not fit.
std::unique_ptr<Network> make_network(const std::string& model, const NetworkOptions& options = {});

}  // namespace flashphase
