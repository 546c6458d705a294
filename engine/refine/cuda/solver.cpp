#include "engine/refine/cuda/solver.h"

#include <algorithm>

#include "engine/device/cores.h"
#include "engine/device/cuda_devices.h"
#include "engine/device/cuda_fft_plan.h"
#include "engine/refine/cuda/bench.h"
#include "engine/refine/cuda/device_runner.h"
#include "engine/refine/cuda/kernels.h"

namespace flashphase::refine {
namespace {

using Path = CudaSolverOptions::Path;
constexpr int kMostHostThreads = 8;

}  // namespace

std::unique_ptr<CudaSolver> make_cuda_solver(const CudaSolverOptions& options) {
  const CudaDevice device = require_cuda_device(options.device);
  check_cuda(cudaSetDevice(options.device), "choosing the GPU");
  const int m = options.pattern_size;
  const bool fused = options.path == Path::fused ||
                     (options.path == Path::automatic && cuda::fused_kernel_fits(options.device, m));
  auto runner = fused ? cuda::make_fused_runner(options) : cuda::make_batched_runner(options);
  const int threads =
      options.host_threads > 0 ? options.host_threads : std::min(usable_cores(), kMostHostThreads);
  const int frames = std::max(1, options.starts_at_once / options.starts_per_frame);
  try {
    runner->prepare({.m = m, .n = m / 2, .frames = frames, .per_frame = options.starts_per_frame});
  } catch (const OutOfDeviceMemory& error) {
    throw DeviceUnusable("GPU " + std::to_string(options.device) + " (" + device.name + "): " + error.what());
  }
  return cuda::make_runner_solver(std::move(runner), options.time_limit, threads);
}

double cuda_fft_floor(int device, int m, int planes, int repetitions) {
  require_cuda_device(device);
  check_cuda(cudaSetDevice(device), "choosing the GPU");
  const std::size_t count =
      static_cast<std::size_t>(planes) * static_cast<std::size_t>(m) * static_cast<std::size_t>(m);
  CudaStream stream;
  cuda::Mirrored<cuda::Complex> values;
  values.reserve(count);
  std::uint32_t random = 1;
  const auto uniform = [&] {
    random = random * 1664525 + 1013904223;
    return static_cast<float>(random >> 8) * 0x1p-24f - 0.5f;
  };
  for (cuda::Complex& value : values.host.span()) value = {uniform(), uniform()};
  values.upload(count, stream);
  const cuda::FftPlan plan(m, planes, stream);
  const auto pair = [&] {
    plan.transform(values.device.data(), values.device.data(), CUFFT_FORWARD);
    plan.transform(values.device.data(), values.device.data(), CUFFT_INVERSE);
  };
  CudaEvent begun, ended;
  for (int i = 0; i < 4; ++i) pair();
  double seconds = 0;
  for (int done = 0; done < repetitions; ++done) {
    // Unscaled pairs grow by m^2 each: the values are put back before they overflow, outside the clock.
    if (done % 4 == 0) values.upload(count, stream);
    begun.record(stream);
    pair();
    ended.record(stream);
    stream.wait();
    seconds += ended.seconds_since(begun);
  }
  return planes * static_cast<double>(repetitions) / seconds;
}

}  // namespace flashphase::refine
