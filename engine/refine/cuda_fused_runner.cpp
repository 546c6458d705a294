#include <algorithm>
#include <array>

#include "engine/refine/cuda_kernels.h"
#include "engine/refine/cuda_slot.h"

namespace flashphase::refine::cuda {
namespace {

class FusedRunner final : public DeviceRunner {
 public:
  explicit FusedRunner(const CudaSolverOptions& options) : starts_at_once_(options.starts_at_once) {}

  std::vector<int> order(int m) const override { return fused_order_of(m); }

  int prepare(const RunnerShape& shape) override {
    shape_ = shape;
    const int most = std::min(shape.frames, std::max(1, starts_at_once_ / shape.per_frame));
    const auto reserve = [&](int frames) {
      shape_.frames = frames;
      slots_[0].reserve(shape_);
      if (frames < shape.frames) slots_[1].reserve(shape_);
    };
    const int room = reserve_what_fits(most, counters_, reserve, [&] {
      for (Slot& slot : slots_) slot.release();
    });
    if (room < most) starts_at_once_ = room * shape.per_frame;
    return room;
  }

  Staging staging(int slot) override { return at(slot).staging(); }

  void launch(int slot, int frames, const FlatSchedule& flat) override {
    Slot& own = at(slot);
    own.upload(shape_, frames, flat);
    own.begin_kernels();
    launch_fused(shape_.m, flat.is_plain(), own.on_device(shape_), own.program(flat),
                 frames * shape_.per_frame, own.stream());
    own.end_kernels(shape_, frames);
  }

  void wait(int slot) override { counters_.device_seconds += at(slot).wait(); }

  CudaCounters counters() const override { return counters_; }

 private:
  Slot& at(int slot) { return slots_[static_cast<std::size_t>(slot)]; }

  int starts_at_once_;
  RunnerShape shape_;
  std::array<Slot, kSlots> slots_;
  CudaCounters counters_;
};

}  // namespace

std::unique_ptr<DeviceRunner> make_fused_runner(const CudaSolverOptions& options) {
  return std::make_unique<FusedRunner>(options);
}

}  // namespace flashphase::refine::cuda
