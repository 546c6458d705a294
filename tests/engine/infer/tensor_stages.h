#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

#include "engine/infer/modules/module_tensors.h"

namespace flashphase::testing_support {

/// A device that is the CPU: computes at start(), by the tensor operations that a GPU runs.
class TensorStages final : public infer::StagedDevice {
 public:
  TensorStages(std::shared_ptr<infer::NetworkModule> module, infer::BlockLayout layout)
      : module_(std::move(module)), layout_(layout) {
    infer::to_inference(*module_, torch::kFloat);
  }

  void prepare(int bucket) override {
    for (Slot& slot : slots_) {
      if (!slot.in.defined()) slot.in = block(layout_.input_bytes(bucket));
      if (!slot.out.defined()) slot.out = block(layout_.output_bytes(bucket));
    }
  }
  std::byte* input(int slot) override { return bytes(at(slot).in); }
  const std::byte* output(int slot) override { return bytes(at(slot).out); }
  void start(int slot, int bucket) override {
    torch::InferenceMode inference;
    infer::infer_blocks(*module_, layout_, bucket, at(slot).in, at(slot).out);
  }
  void wait(int) override {}
  infer::DeviceTimes times(int) const override { return {}; }

 private:
  struct Slot {
    torch::Tensor in, out;
  };
  static torch::Tensor block(std::size_t bytes) {
    return torch::zeros({static_cast<std::int64_t>(bytes)}, torch::kByte);
  }
  static std::byte* bytes(const torch::Tensor& tensor) {
    return reinterpret_cast<std::byte*>(tensor.data_ptr<std::uint8_t>());
  }
  Slot& at(int slot) { return slots_[static_cast<std::size_t>(slot)]; }

  const std::shared_ptr<infer::NetworkModule> module_;
  const infer::BlockLayout layout_;
  std::array<Slot, kSlots> slots_;
};

}  // namespace flashphase::testing_support
