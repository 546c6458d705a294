#include <algorithm>
#include <array>

#include "engine/refine/cuda/fused_sizes.h"
#include "tests/engine/device/block_emulator.h"
#include "tests/engine/refine/cuda/emulated_runner.h"
#include "tests/engine/refine/cuda/host_staging.h"

namespace flashphase::refine::cuda {
namespace {

template <int kSize, bool kGeneral>
void run_block(const StartsOnDevice& starts, const Program& program, int job,
               const EmulatedOptions& options) {
  using Fft = PlaneFft<kSize>;
  using Plane = FusedPlane<kSize, EmulatedBlock, Complex*, float*>;
  constexpr std::size_t plane = Fft::kElements, twists = Fft::kTwists, last = Plane::kLast,
                        modulus = static_cast<std::size_t>(kSize) * kSize, scratch = Plane::kScratch;
  EmulatedBlock block(Fft::kThreads);
  block.drop_barrier(options.dropped_barrier);
  if (options.finds_races) {
    SharedMemory memory(block, 2 * (plane + twists + last) + modulus + scratch);
    using Elements = SharedMemory::Pointer<Complex>;
    using Floats = SharedMemory::Pointer<float>;
    const Floats floats = memory.at<float>(2 * (plane + twists + last));
    const FusedShared<Elements, Floats> shared{.plane = memory.at<Complex>(0),
                                               .workspace = memory.at<float>(0),
                                               .twists = memory.at<Complex>(2 * plane),
                                               .modulus = floats,
                                               .last = memory.at<Complex>(2 * (plane + twists)),
                                               .scratch = floats + static_cast<int>(modulus)};
    FusedKernel<kSize, kGeneral, EmulatedBlock, Elements, Floats>(block, shared, starts, program, job).run();
  } else {
    std::vector<Complex> elements(plane + twists + last);
    std::vector<float> floats(modulus + scratch);
    const FusedShared<Complex*, float*> shared{.plane = elements.data(),
                                               .workspace = &elements.data()->re,
                                               .twists = elements.data() + plane,
                                               .modulus = floats.data(),
                                               .last = elements.data() + plane + twists,
                                               .scratch = floats.data() + modulus};
    FusedKernel<kSize, kGeneral, EmulatedBlock, Complex*, float*>(block, shared, starts, program, job).run();
  }
  if (options.barriers) *options.barriers = block.barriers();
}

class EmulatedFusedRunner final : public Runner {
 public:
  explicit EmulatedFusedRunner(const EmulatedOptions& options) : options_(options) {}

  std::string kernel_name(int m) const override { return fused_kernel_name(m); }
  std::vector<int> order(int m) const override { return fused_order_of(m); }

  int prepare(const RunnerShape& shape) override {
    shape_ = shape;
    shape_.frames = std::min(shape.frames, options_.room);
    for (HostStaging& slot : slots_) slot = HostStaging(shape_);
    return shape_.frames;
  }

  Staging staging(int slot) override { return slots_[static_cast<std::size_t>(slot)].spans(); }

  void launch(int slot, int frames, const FlatSchedule& flat) override {
    const StartsOnDevice starts = slots_[static_cast<std::size_t>(slot)].on_device(shape_);
    Program program = flat.program;
    program.steps = flat.steps.data();
    with_fused_kernel(shape_.m, flat.is_plain(), [&](auto size, auto general) {
      for (int job = 0; job < frames * shape_.per_frame; ++job)
        run_block<size, general>(starts, program, job, options_);
    });
  }

  void wait(int) override {}

 private:
  EmulatedOptions options_;
  RunnerShape shape_;
  std::array<HostStaging, kSlots> slots_;
};

}  // namespace

std::unique_ptr<Runner> make_emulated_fused_runner(const EmulatedOptions& options) {
  return std::make_unique<EmulatedFusedRunner>(options);
}

}  // namespace flashphase::refine::cuda
