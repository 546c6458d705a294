#include "engine/infer/cuda/network.h"

#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>

#include <algorithm>
#include <array>
#include <map>

#include "engine/device/cuda_devices.h"
#include "engine/device/cuda_resources.h"
#include "engine/infer/bench_support.h"
#include "engine/infer/modules/module_checkpoint.h"
#include "engine/infer/modules/module_tensors.h"

namespace flashphase::infer {
namespace {

using at::cuda::CUDAGraph;
using c10::cuda::CUDAStream;

/// What a small model, its buffers and cuDNN's workspace take at least.
constexpr std::size_t kLeastMemory = std::size_t{512} << 20;

CudaDevice usable_device(int index) {
  try {
    return require_cuda_device(index, kLeastMemory);
  } catch (const std::runtime_error& error) {
    throw DeviceUnusable(error.what());
  }
}

torch::ScalarType type_of(NetworkOptions::Precision precision) {
  switch (precision) {
    case NetworkOptions::Precision::fp32:
      return torch::kFloat;
    case NetworkOptions::Precision::fp16:
      return torch::kHalf;
    case NetworkOptions::Precision::bf16:
    case NetworkOptions::Precision::automatic:
      break;
  }
  return torch::kBFloat16;
}

std::string name_of(torch::ScalarType type) {
  return type == torch::kFloat ? "fp32" : type == torch::kHalf ? "fp16" : "bf16";
}

/// Runs `work` with the device current, and turns what LibTorch throws into what the seam promises: an error
/// that is still there when the device is asked again is sticky.
template <class Work>
void on_device(const CudaDevice& device, Work work) {
  try {
    const c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device.index));
    const torch::InferenceMode inference;
    work();
  } catch (const c10::Error& error) {
    const std::string name = "GPU " + std::to_string(device.index) + " (" + device.name + "): ";
    const std::string what = error.what_without_backtrace();
    cudaGetLastError();
    if (const cudaError_t state = cudaDeviceSynchronize(); state != cudaSuccess)
      throw DeviceLost(name + cudaGetErrorString(state));
    if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
        what.find("ALLOC_FAILED") != std::string::npos)
      throw OutOfDeviceMemory(name + what);
    throw std::runtime_error(name + what);
  }
}

class CudaStages final : public StagedDevice {
 public:
  CudaStages(CudaDevice device, std::shared_ptr<NetworkModule> module, BlockLayout layout,
             torch::ScalarType type)
      : device_(std::move(device)), module_(std::move(module)), layout_(layout) {
    on_device(device_, [&] {
      to_inference(*module_, type, {torch::kCUDA, index()});
      lane_ = std::make_unique<Lane>(index());
    });
  }

  void prepare(int bucket) override {
    on_device(device_, [&] {
      const c10::cuda::CUDAStreamGuard on(lane_->compute);
      for (Slot& slot : lane_->slots) make_room(slot, bucket);
      for (int run = 0; run < 2; ++run) compute(at(0), bucket);
      lane_->compute.synchronize();
      c10::cuda::CUDACachingAllocator::emptyCache();  // graphs have a pool of their own
      for (Slot& slot : lane_->slots) slot.graphs[bucket] = capture(slot, bucket);
    });
  }

  std::byte* input(int slot) override { return at(slot).host_in.data(); }
  const std::byte* output(int slot) override { return at(slot).host_out.data(); }

  void start(int slot_index, int bucket) override {
    on_device(device_, [&] {
      Slot& slot = at(slot_index);
      slot.begun.record(lane_->upload);
      check_cuda(cudaMemcpyAsync(slot.in.data_ptr(), slot.host_in.data(), layout_.input_bytes(bucket),
                                 cudaMemcpyHostToDevice, lane_->upload),
                 "copying to the GPU");
      slot.uploaded.record(lane_->upload);
      slot.uploaded.hold_back(lane_->compute);
      const c10::cuda::CUDAStreamGuard on(lane_->compute);
      slot.graphs.at(bucket)->replay();
      slot.computed.record(lane_->compute);
      slot.computed.hold_back(lane_->download);
      check_cuda(cudaMemcpyAsync(slot.host_out.data(), slot.out.data_ptr(), layout_.output_bytes(bucket),
                                 cudaMemcpyDeviceToHost, lane_->download),
                 "copying from the GPU");
      slot.done.record(lane_->download);
    });
  }

  void wait(int slot) override { at(slot).done.wait(); }

  DeviceTimes times(int slot_index) const override {
    const Slot& slot = lane_->slots[static_cast<std::size_t>(slot_index)];
    return {slot.computed.seconds_since(slot.uploaded), slot.done.seconds_since(slot.begun)};
  }

 private:
  struct Slot {
    PinnedBuffer<std::byte> host_in, host_out;
    torch::Tensor in, out;  // the same on the device; as large as the largest bucket
    std::map<int, std::unique_ptr<CUDAGraph>> graphs;
    CudaEvent begun, uploaded, computed, done;
  };
  /// What this network has of the device for itself; made while the device is current.
  struct Lane {
    explicit Lane(c10::DeviceIndex device)
        : upload(c10::cuda::getStreamFromPool(false, device)),
          compute(c10::cuda::getStreamFromPool(false, device)),
          download(c10::cuda::getStreamFromPool(false, device)) {}

    CUDAStream upload, compute, download;
    at::cuda::MempoolId_t pool = at::cuda::graph_pool_handle();
    std::array<Slot, kSlots> slots;
  };

  Slot& at(int slot) { return lane_->slots[static_cast<std::size_t>(slot)]; }
  c10::DeviceIndex index() const { return static_cast<c10::DeviceIndex>(device_.index); }

  void make_room(Slot& slot, int bucket) const {
    const std::size_t in = layout_.input_bytes(bucket), out = layout_.output_bytes(bucket);
    slot.host_in.reserve(in);
    slot.host_out.reserve(out);
    const auto options = torch::TensorOptions().dtype(torch::kByte).device(torch::kCUDA, index());
    if (!slot.in.defined()) slot.in = torch::zeros({static_cast<std::int64_t>(in)}, options);
    if (!slot.out.defined()) slot.out = torch::zeros({static_cast<std::int64_t>(out)}, options);
  }

  void compute(Slot& slot, int bucket) { infer_blocks(*module_, layout_, bucket, slot.in, slot.out); }

  /// Other threads may use the device meanwhile. All graphs of a network run one after the other on one
  /// stream, so they can share their memory.
  std::unique_ptr<CUDAGraph> capture(Slot& slot, int bucket) {
    auto graph = std::make_unique<CUDAGraph>();
    graph->capture_begin(lane_->pool, cudaStreamCaptureModeThreadLocal);
    try {
      compute(slot, bucket);
    } catch (...) {
      try {
        graph->capture_end();
      } catch (const c10::Error&) {  // what broke the capture is the better sentence
      }
      throw;
    }
    graph->capture_end();
    return graph;
  }

  const CudaDevice device_;
  const std::shared_ptr<NetworkModule> module_;
  const BlockLayout layout_;
  std::unique_ptr<Lane> lane_;
};

}  // namespace

std::unique_ptr<Network> make_cuda_network(const Checkpoint& checkpoint, const NetworkOptions& options) {
  auto module = module_from(checkpoint);
  const CudaDevice device = usable_device(options.cuda_device.value());
  at::globalContext().setAllowTF32CuDNN(false);  // fp32 says what it is
  const torch::ScalarType type = type_of(options.precision);
  const auto largest = std::ranges::max_element(options.warm_up_batches);
  try {
    return std::make_unique<StagedNetwork>(
        checkpoint.info, name_of(type),
        std::make_unique<CudaStages>(
            device, module, BlockLayout{checkpoint.info.pattern_size, checkpoint.info.object_size}, type),
        buckets_up_to(largest != options.warm_up_batches.end() ? *largest : 1));
  } catch (const OutOfDeviceMemory& error) {
    throw DeviceUnusable(error.what());
  }
}

double measured_cuda_peak_flops(int device, const std::string& precision) {
  const CudaDevice found = usable_device(device);
  double best = 0;
  on_device(found, [&] {
    const auto type = precision == "fp32"   ? torch::kFloat
                      : precision == "fp16" ? torch::kHalf
                                            : torch::kBFloat16;
    constexpr int kEdge = 8192, kRuns = 20;
    const auto options = torch::TensorOptions().device(torch::kCUDA, static_cast<c10::DeviceIndex>(device));
    const torch::Tensor a = torch::randn({kEdge, kEdge}, options).to(type),
                        b = torch::randn({kEdge, kEdge}, options).to(type);
    torch::Tensor c = torch::mm(a, b);
    const cudaStream_t stream = c10::cuda::getCurrentCUDAStream();
    CudaEvent before, after;
    for (int run = 0; run < kRuns; ++run) {
      before.record(stream);
      torch::mm_out(c, a, b);
      after.record(stream);
      after.wait();
      best = std::max(best, 2.0 * kEdge * kEdge * kEdge / after.seconds_since(before));
    }
  });
  return best;
}

}  // namespace flashphase::infer
