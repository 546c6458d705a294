#include "engine/device/device_lost.h"
#include "engine/infer/bench_support.h"
#include "engine/infer/cuda/network.h"
#include "engine/infer/modules/module_tensors.h"

namespace flashphase::infer {
namespace {

constexpr const char* kNoCuda = "this build has no CUDA: build the preset cuda";

}  // namespace

std::unique_ptr<Network> make_cuda_network(const Checkpoint&, const NetworkOptions&) {
  throw DeviceUnusable(kNoCuda);
}

torch::Tensor project_on_device(const torch::Tensor&, const torch::Tensor&, const torch::Tensor&) {
  throw DeviceUnusable(kNoCuda);
}

double measured_cuda_peak_flops(int, const std::string&) {
  throw DeviceUnusable(kNoCuda);
}

}  // namespace flashphase::infer
