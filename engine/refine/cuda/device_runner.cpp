#include "engine/refine/cuda/device_runner.h"

#include <algorithm>

namespace flashphase::refine::cuda {

int DeviceRunner::prepare(const RunnerShape& shape) {
  check_cuda(cudaSetDevice(device_), "choosing the GPU");
  shape_ = shape;
  const int most = std::min(shape.frames, std::max(1, starts_at_once_ / shape.per_frame));
  const auto reserve = [&](int frames) {
    shape_.frames = frames;
    slots_[0].reserve(shape_);
    if (frames < shape.frames) slots_[1].reserve(shape_);
    reserve_for_kernels();
  };
  const auto release = [&] {
    for (Slot& slot : slots_) slot.release();
    release_for_kernels();
  };
  const int room = reserve_what_fits(most, out_of_memory_, reserve, release);
  if (room < most) starts_at_once_ = room * shape.per_frame;
  return room;
}

}  // namespace flashphase::refine::cuda
