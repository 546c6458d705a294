#include "engine/infer/staged_network.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "engine/infer/features.h"

namespace flashphase::infer {

std::vector<int> buckets_up_to(int largest) {
  std::vector<int> buckets;
  for (int bucket = 1; bucket < largest; bucket *= 2) buckets.push_back(bucket);
  buckets.push_back(largest);
  return buckets;
}

StagedNetwork::StagedNetwork(ModelInfo info, std::string precision, std::unique_ptr<StagedDevice> device,
                             std::vector<int> buckets)
    : info_(std::move(info)),
      precision_(std::move(precision)),
      layout_{info_.pattern_size, info_.object_size},
      device_(std::move(device)),
      buckets_(std::move(buckets)) {
  // The largest first: what it leaves of its memory serves the smaller ones.
  for (const int bucket : std::vector<int>(buckets_.rbegin(), buckets_.rend())) try {
      device_->prepare(bucket);
    } catch (const OutOfDeviceMemory&) {
      give_up(bucket);
    }
}

int StagedNetwork::bucket_for(int count) const {
  const auto found = std::lower_bound(buckets_.begin(), buckets_.end(), count);
  return found != buckets_.end() ? *found : buckets_.back();
}

void StagedNetwork::give_up(int bucket) {
  ++out_of_memory_;
  buckets_.erase(std::lower_bound(buckets_.begin(), buckets_.end(), bucket), buckets_.end());
  if (buckets_.empty())
    throw OutOfDeviceMemory("the device has no memory for even " + std::to_string(bucket) + " pattern" +
                            (bucket == 1 ? "" : "s") + " of the model " + info_.name);
}

void StagedNetwork::infer(const PatternBatch& patterns, ObjectBatch& objects) {
  check_size(info_, patterns);
  if (objects.count != patterns.count || objects.size != info_.object_size)
    objects = ObjectBatch(patterns.count, info_.object_size);
  std::array<Chunk, StagedDevice::kSlots> under_way{};
  const auto settle = [&](int slot) {
    Chunk& chunk = under_way[static_cast<std::size_t>(slot)];
    if (chunk.count > 0) collect(chunk, slot, objects);
    chunk = {};
  };
  int slot = 0;
  for (int first = 0; first < patterns.count;) {
    settle(slot);
    const int bucket = bucket_for(patterns.count - first);
    const Chunk chunk{first, std::min(bucket, patterns.count - first), bucket};
    stage(patterns, chunk, slot);
    try {
      device_->start(slot, bucket);
    } catch (const OutOfDeviceMemory&) {
      give_up(bucket);
      continue;
    }
    under_way[static_cast<std::size_t>(slot)] = chunk;
    first += chunk.count;
    slot = (slot + 1) % StagedDevice::kSlots;
  }
  for (int i = 0; i < StagedDevice::kSlots; ++i) settle((slot + i) % StagedDevice::kSlots);
}

/// Rows of the bucket beyond the chunk keep what they held: patterns do not see each other.
void StagedNetwork::stage(const PatternBatch& patterns, const Chunk& chunk, int slot) {
  std::byte* block = device_->input(slot);
  const std::size_t cells = layout_.pattern_cells(), first = static_cast<std::size_t>(chunk.first) * cells,
                    count = static_cast<std::size_t>(chunk.count) * cells;
  std::memcpy(block, patterns.intensity.data() + first, count * sizeof(float));
  std::memcpy(block + layout_.measured_at(chunk.bucket), patterns.measured.data() + first, count);
}

void StagedNetwork::collect(const Chunk& chunk, int slot, ObjectBatch& objects) {
  device_->wait(slot);
  last_times_ = device_->times(slot);
  const std::byte* block = device_->output(slot);
  const std::size_t cells = layout_.object_cells(), first = static_cast<std::size_t>(chunk.first),
                    count = static_cast<std::size_t>(chunk.count);
  std::memcpy(objects.object.data() + first * cells, block, count * cells * sizeof(std::complex<float>));
  std::memcpy(objects.residual.data() + first, block + layout_.residual_at(chunk.bucket),
              count * sizeof(float));
  std::memcpy(objects.support.data() + first * cells, block + layout_.support_at(chunk.bucket),
              count * cells);
}

}  // namespace flashphase::infer
