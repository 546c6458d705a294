#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "engine/device/device_lost.h"
#include "engine/infer/network.h"

namespace flashphase::infer {

/// Where the parts of a batch lie in the one block that goes to the device and the one that comes back. B is
/// the bucket; in: intensity float32 [B, m, m], measured uint8 [B, m, m]; out: object complex64 [B, n, n],
/// residual float32 [B], support uint8 [B, n, n].
struct BlockLayout {
  int pattern_size = 0;  ///< m
  int object_size = 0;   ///< n

  std::size_t pattern_cells() const { return square(pattern_size); }
  std::size_t object_cells() const { return square(object_size); }
  std::size_t measured_at(int bucket) const { return rows(bucket) * pattern_cells() * sizeof(float); }
  std::size_t input_bytes(int bucket) const { return measured_at(bucket) + rows(bucket) * pattern_cells(); }
  std::size_t residual_at(int bucket) const {
    return rows(bucket) * object_cells() * sizeof(std::complex<float>);
  }
  std::size_t support_at(int bucket) const { return residual_at(bucket) + rows(bucket) * sizeof(float); }
  std::size_t output_bytes(int bucket) const { return support_at(bucket) + rows(bucket) * object_cells(); }

 private:
  static std::size_t rows(int bucket) { return static_cast<std::size_t>(bucket); }
  static std::size_t square(int edge) { return rows(edge) * rows(edge); }
};

/// Seconds by the device's own clock.
struct DeviceTimes {
  double compute = 0;
  double total = 0;  ///< with the copies
};

/// What StagedNetwork needs of a device: computations for batches of fixed sizes (buckets), and kSlots pairs
/// of blocks in host memory to copy from and to, so that one chunk is copied while another is computed. Seam:
/// CUDA; the tests have one that computes at once.
///
/// Thread: that of the network. All functions may throw OutOfDeviceMemory, DeviceLost, or std::runtime_error.
class StagedDevice {
 public:
  static constexpr int kSlots = 2;

  virtual ~StagedDevice() = default;
  /// Makes a bucket ready for start() in every slot; blocks until warm.
  virtual void prepare(int bucket) = 0;
  virtual std::byte* input(int slot) = 0;
  virtual const std::byte* output(int slot) = 0;
  /// Has the slot's input copied up, computed and its answer copied down, in that order; does not wait for
  /// it. Until wait() the slot's blocks are the device's.
  virtual void start(int slot, int bucket) = 0;
  virtual void wait(int slot) = 0;
  virtual DeviceTimes times(int slot) const = 0;  ///< after wait()
};

/// 1, 2, 4, ... and `largest`.
std::vector<int> buckets_up_to(int largest);

/// A network on a device. A batch goes to the smallest bucket that holds it; a larger one than the largest
/// bucket is cut into chunks. A bucket that the device has no memory for is given up, with all larger ones,
/// and counted. Fills the residual.
class StagedNetwork final : public Network {
 public:
  /// `buckets` ascend. Throws OutOfDeviceMemory when there is none for the smallest one.
  StagedNetwork(ModelInfo info, std::string precision, std::unique_ptr<StagedDevice> device,
                std::vector<int> buckets);

  const ModelInfo& info() const override { return info_; }
  std::string precision() const override { return precision_; }
  std::uint64_t out_of_memory() const override { return out_of_memory_; }
  void infer(const PatternBatch& patterns, ObjectBatch& objects) override;
  void submit(const PatternBatch& patterns) override;
  void collect(ObjectBatch& objects) override;
  int overlap() const override { return StagedDevice::kSlots; }

  const std::vector<int>& buckets() const { return buckets_; }
  DeviceTimes last_times() const { return last_times_; }  ///< of the last chunk

 private:
  /// A part of a batch, in a slot.
  struct Chunk {
    int first = 0, count = 0, bucket = 0;
    ObjectBatch* answer = nullptr;
  };
  int bucket_for(int count) const;
  void give_up(int bucket);
  void stage(const PatternBatch& patterns, const Chunk& chunk, int slot);
  /// Waits for what the slot has under way, if anything, and copies it to its place.
  void settle(int slot);

  const ModelInfo info_;
  const std::string precision_;
  const BlockLayout layout_;
  const std::unique_ptr<StagedDevice> device_;
  std::vector<int> buckets_;
  std::array<Chunk, StagedDevice::kSlots> under_way_;
  int next_slot_ = 0;
  std::deque<ObjectBatch> answers_;  // of the batches submitted, complete once their chunks are settled
  std::uint64_t out_of_memory_ = 0;
  DeviceTimes last_times_;
};

}  // namespace flashphase::infer
