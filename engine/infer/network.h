#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/frame/model_info.h"
#include "engine/frame/reconstruction.h"

namespace flashphase {

/// In fp32 on one device a frame gets the same answer in whatever batch, to this sum |a - b|^2 / sum |a|^2.
/// In bf16 and fp16 it holds where batch sizes are pinned alone.
inline constexpr double kBatchTolerance = 1e-9;

/// Batch of patterns to batch of complex images. Seam: `flash`, `wu2021`, `none`.
///
/// Thread: an instance serves one thread at a time; each worker makes its own. Blocking: infer() computes and
/// returns; submit() only begins where the device works by itself, so that the host has its hands free until
/// collect(). Precondition: patterns.size == info().pattern_size. The output is resized; `residual` is
/// negative where the score stage shall fill it; `support` is the amplitude threshold of physics (0.1 of the
/// maximum); the object carries the scale of the pattern. An all-zero pattern gives an all-zero object.
/// Throws DeviceLost when the device does not answer any more.
class Network {
 public:
  virtual ~Network() = default;
  virtual const ModelInfo& info() const = 0;
  /// Precondition: nothing is submitted that has not been collected.
  virtual void infer(const PatternBatch& patterns, ObjectBatch& objects) = 0;
  /// Begins with a batch, of which it keeps nothing; at most overlap() batches wait for collect().
  virtual void submit(const PatternBatch& patterns) { infer(patterns, submitted_); }
  /// The answer to the batch that was submitted first.
  virtual void collect(ObjectBatch& objects) { std::swap(objects, submitted_); }
  virtual int overlap() const { return 1; }
  /// "fp32", "bf16" or "fp16".
  virtual std::string precision() const = 0;
  /// How many times, since construction, work was cut smaller for want of device memory.
  virtual std::uint64_t out_of_memory() const { return 0; }

 private:
  ObjectBatch submitted_;
};

struct NetworkOptions {
  enum class Precision { automatic, fp32, bf16, fp16 };
  std::optional<int> cuda_device{};  ///< index of the GPU; none = the CPU
  /// automatic: bf16 on a GPU and where the CPU has AVX512_BF16 or AMX, else fp32; fp16: on a GPU alone.
  Precision precision = Precision::automatic;
  int threads = 1;  ///< threads used inside one infer() call on the CPU
  /// Batch sizes that are run before the factory returns: the first time of one costs more. On a GPU the
  /// largest counts; more patterns at once are cut into pieces of it.
  std::vector<int> warm_up_batches{1};
};

/// Makes the network `model`: the word "none" (object from the autocorrelation, for running without a model)
/// or the path of a checkpoint file. Throws std::runtime_error with one sentence when the file is missing,
/// damaged or does not fit, and DeviceUnusable when it is the device that cannot be had.
std::unique_ptr<Network> make_network(const std::string& model, const NetworkOptions& options = {});

namespace infer {
struct Checkpoint;
}

/// The network that a checkpoint file with this content would give.
std::unique_ptr<Network> network_from(const infer::Checkpoint& checkpoint, const NetworkOptions& options);

}  // namespace flashphase
