#include "engine/refine/cuda/device_runner.h"
#include "engine/refine/cuda/fused_sizes.h"
#include "engine/refine/cuda/kernels.h"

namespace flashphase::refine::cuda {
namespace {

class FusedRunner final : public DeviceRunner {
 public:
  explicit FusedRunner(const CudaSolverOptions& options) : DeviceRunner(options) {}

  std::string kernel_name(int m) const override { return fused_kernel_name(m); }
  std::vector<int> order(int m) const override { return fused_order_of(m); }

  void launch(int slot, int frames, const FlatSchedule& flat) override {
    Slot& own = at(slot);
    own.upload(shape(), frames, flat);
    own.begin_kernels();
    launch_fused(shape().m, flat.is_plain(), own.on_device(shape()), own.program(flat),
                 frames * shape().per_frame, own.stream());
    own.end_kernels(shape(), frames);
  }
};

}  // namespace

std::unique_ptr<DeviceRunner> make_fused_runner(const CudaSolverOptions& options) {
  return std::make_unique<FusedRunner>(options);
}

}  // namespace flashphase::refine::cuda
