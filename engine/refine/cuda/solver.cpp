#include "engine/refine/cuda/solver.h"

#include "engine/device/cuda_devices.h"
#include "engine/device/cuda_fft_plan.h"
#include "engine/refine/cuda/bench.h"
#include "engine/refine/cuda/device_runner.h"
#include "engine/refine/cuda/fused_sizes.h"

namespace flashphase::refine {
namespace {

using Path = CudaSolverOptions::Path;

/// A runner's solver, made when it is first needed.
class OnePath {
 public:
  using Make = std::unique_ptr<cuda::DeviceRunner> (*)(const CudaSolverOptions&);
  explicit OnePath(Make make) : make_(make) {}

  Solver& solver(const CudaSolverOptions& options) {
    if (!solver_) {
      auto runner = make_(options);
      runner_ = runner.get();
      solver_ = cuda::make_runner_solver(std::move(runner), options.time_limit);
    }
    return *solver_;
  }
  CudaCounters counters() const { return runner_ ? runner_->counters() : CudaCounters{}; }

 private:
  Make make_;
  std::unique_ptr<Solver> solver_;
  const cuda::DeviceRunner* runner_ = nullptr;  // the solver's
};

class TwoPathSolver final : public CudaSolver {
 public:
  explicit TwoPathSolver(const CudaSolverOptions& options) : options_(options) {
    require_cuda_device(options.device);
  }

  void solve(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule,
             Refined& out) override {
    check_cuda(cudaSetDevice(options_.device), "choosing the GPU");
    const bool fused = options_.path == Path::fused ||
                       (options_.path == Path::automatic && cuda::has_fused_kernel(patterns.size));
    (fused ? fused_ : batched_).solver(options_).solve(patterns, starts, schedule, out);
  }

  CudaCounters counters() const override {
    const CudaCounters a = fused_.counters(), b = batched_.counters();
    return {a.smaller_buckets + b.smaller_buckets, a.device_seconds + b.device_seconds};
  }

 private:
  CudaSolverOptions options_;
  OnePath fused_{cuda::make_fused_runner}, batched_{cuda::make_batched_runner};
};

}  // namespace

std::unique_ptr<CudaSolver> make_cuda_solver(const CudaSolverOptions& options) {
  return std::make_unique<TwoPathSolver>(options);
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
