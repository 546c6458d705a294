#include "trainer/batches.h"

namespace flashphase::trainer {

Batches::Batches(TrainingData& data, std::uint64_t seed, int batch, torch::Device device, const Place& place)
    : data_(data),
      seed_(seed),
      batch_(batch),
      rank_(static_cast<std::uint64_t>(place.rank)),
      processes_(static_cast<std::uint64_t>(place.count)),
      device_(device) {
  const int slots = device.is_cpu() ? 2 : kSlots;
  for (int i = 0; i < slots; ++i) {
    slots_.emplace_back(batch, data.pattern_size(), data.object_size());
    if (!device.is_cpu()) slots_.back() = slots_.back().pinned();
  }
}

Batches::~Batches() {
  if (ahead_.valid()) ahead_.wait();
}

TrainingBatch Batches::get(std::uint64_t step) {
  if (!ahead_.valid() || ahead_step_ != step) begin(step);
  ahead_.get();
  begin(step + 1);
  return slot_of(step).on(device_);
}

void Batches::begin(std::uint64_t step) {
  if (ahead_.valid()) ahead_.wait();
  ahead_step_ = step;
  const std::uint64_t first = (step * processes_ + rank_) * static_cast<std::uint64_t>(batch_);
  ahead_ = std::async(std::launch::async,
                      [this, step, first] { data_.fill(seed_, first, batch_, slot_of(step).view()); });
}

}  // namespace flashphase::trainer
