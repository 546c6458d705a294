#include "engine/infer/staged_network.h"

#include <algorithm>
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
  submit(patterns);
  collect(objects);
}

void StagedNetwork::submit(const PatternBatch& patterns) {
  check_size(info_, patterns);
  ObjectBatch& answer = answers_.emplace_back(patterns.count, info_.object_size);
  for (int first = 0; first < patterns.count;) {
    settle(next_slot_);
    const int bucket = bucket_for(patterns.count - first);
    const Chunk chunk{first, std::min(bucket, patterns.count - first), bucket, &answer};
    stage(patterns, chunk, next_slot_);
    try {
      device_->start(next_slot_, bucket);
    } catch (const OutOfDeviceMemory&) {
      give_up(bucket);
      continue;
    }
    under_way_[static_cast<std::size_t>(next_slot_)] = chunk;
    first += chunk.count;
    next_slot_ = (next_slot_ + 1) % StagedDevice::kSlots;
  }
}

void StagedNetwork::collect(ObjectBatch& objects) {
  for (int i = 0; i < StagedDevice::kSlots; ++i) {
    const int slot = (next_slot_ + i) % StagedDevice::kSlots;
    if (under_way_[static_cast<std::size_t>(slot)].answer == &answers_.front()) settle(slot);
  }
  objects = std::move(answers_.front());
  answers_.pop_front();
}

/// Rows of the bucket beyond the chunk keep what they held: patterns do not see each other.
void StagedNetwork::stage(const PatternBatch& patterns, const Chunk& chunk, int slot) {
  std::byte* block = device_->input(slot);
  const std::size_t cells = layout_.pattern_cells(), first = static_cast<std::size_t>(chunk.first) * cells,
                    count = static_cast<std::size_t>(chunk.count) * cells;
  std::memcpy(block, patterns.intensity.data() + first, count * sizeof(float));
  std::memcpy(block + layout_.measured_at(chunk.bucket), patterns.measured.data() + first, count);
}

void StagedNetwork::settle(int slot) {
  const Chunk chunk = std::exchange(under_way_[static_cast<std::size_t>(slot)], {});
  if (chunk.answer == nullptr) return;
  ObjectBatch& objects = *chunk.answer;
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
