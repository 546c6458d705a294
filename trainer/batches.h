#pragma once

#include <cstdint>
#include <future>
#include <vector>

#include "trainer/method.h"
#include "trainer/processes.h"
#include "trainer/training_data.h"

namespace flashphase::trainer {

/// The batches of a training in their order, each made by a thread of its own while the one before it trains.
///
/// On a GPU a batch is copied while the host goes on, so its memory here may be filled again only when the
/// copy is done: the caller reads something back from the device at least once in kSlots / 2 steps. Thread:
/// one.
class Batches {
 public:
  static constexpr int kSlots = 8;

  /// `batch`: of each process; those of one step follow each other by rank. `data` has to outlive it.
  Batches(TrainingData& data, std::uint64_t seed, int batch, torch::Device device, const Place& place = {});
  ~Batches();
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;

  /// The batch of a step, on the device; begins with the next. Passes on what the data throw.
  TrainingBatch get(std::uint64_t step);

 private:
  void begin(std::uint64_t step);
  TrainingBatch& slot_of(std::uint64_t step) { return slots_[step % slots_.size()]; }

  TrainingData& data_;
  const std::uint64_t seed_;
  const int batch_;
  const std::uint64_t rank_, processes_;
  const torch::Device device_;
  std::vector<TrainingBatch> slots_;
  std::uint64_t ahead_step_ = 0;
  std::future<void> ahead_;  // of ahead_step_
};

}  // namespace flashphase::trainer
