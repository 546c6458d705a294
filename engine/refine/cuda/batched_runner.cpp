#include <algorithm>
#include <map>
#include <utility>

#include "engine/device/cuda_fft_plan.h"
#include "engine/refine/cuda/batched_driver.h"
#include "engine/refine/cuda/device_runner.h"
#include "engine/refine/cuda/kernels.h"

namespace flashphase::refine::cuda {
namespace {

constexpr int kMostJobs = 65535;  // of a window: the grid's second dimension

class DeviceKernels final : public BatchedKernels {
 public:
  DeviceKernels(const BatchedWindow& window, const FftPlan& plan, Mirrored<int>& active, cudaStream_t stream)
      : window_(window), plan_(plan), active_(active), stream_(stream) {}

  void load_starts() override { launch_load_starts(window_, stream_); }
  void forward_iterate() override { plan_.transform(window_.g, window_.work, CUFFT_FORWARD); }
  void forward_work() override { plan_.transform(window_.work, window_.work, CUFFT_FORWARD); }
  void inverse() override { plan_.transform(window_.work, window_.work, CUFFT_INVERSE); }
  void project(bool wants_sums) override { launch_project(window_, wants_sums, stream_); }
  void decide(const Decision& decision) override { launch_decide(window_, decision, stream_); }
  void update(PixelOperation operation, const ProgramStep& step, bool keeps) override {
    launch_update(window_, operation, step, keeps, stream_);
  }
  void smooth(float width) override { launch_smooth(window_, width, stream_); }
  void wrap(const ShrinkWrap& rule, float part, int done) override {
    launch_wrap(window_, rule, part, done, stream_);
  }
  bool all_stopped() override {
    launch_count_active(window_, active_.device.data(), stream_);
    active_.download(1, stream_);
    check_cuda(cudaStreamSynchronize(stream_), "waiting for the GPU");
    return *active_.host.data() == 0;
  }

 private:
  const BatchedWindow& window_;
  const FftPlan& plan_;
  Mirrored<int>& active_;
  cudaStream_t stream_;
};

/// Both slots' kernels run in one stream, since they share the window's memory.
class BatchedRunner final : public DeviceRunner {
 public:
  explicit BatchedRunner(const CudaSolverOptions& options)
      : DeviceRunner(options), window_bytes_(options.window_bytes) {
    active_.reserve(1);
    if (window_bytes_ > 0) return;
    int cache = 0;
    check_cuda(cudaDeviceGetAttribute(&cache, cudaDevAttrL2CacheSize, options.device), "asking the GPU");
    window_bytes_ = static_cast<std::size_t>(cache) / 2;
  }

  std::string kernel_name(int) const override { return "batched cufft"; }

  std::vector<int> order(int m) const override {
    std::vector<int> transposed;
    for (int ky = 0; ky < m; ++ky) {
      for (int kx = 0; kx < m; ++kx) transposed.push_back(kx * m + ky);
    }
    return transposed;
  }

  void launch(int slot, int frames, const FlatSchedule& flat) override {
    Slot& own = at(slot);
    own.upload(shape(), frames, flat);
    own.begin_kernels();
    uploaded_.record(own.stream());
    uploaded_.hold_back(stream_);
    const int jobs = frames * shape().per_frame;
    BatchedWindow window{.starts = own.on_device(shape()),
                         .bounded = flat.program.bounded,
                         .m = shape().m,
                         .g = g_.data(),
                         .work = work_.data(),
                         .support = support_.data(),
                         .scratch = scratch_.data(),
                         .partials = partials_.data(),
                         .state = state_.data(),
                         .last = last_.data()};
    for (window.first = 0; window.first < jobs; window.first += window_jobs_) {
      window.jobs = std::min(window_jobs_, jobs - window.first);
      DeviceKernels kernels(window, plan(window.jobs), active_, stream_);
      run_batched(kernels, flat, shape().m);
    }
    done_.record(stream_);
    done_.hold_back(own.stream());
    own.end_kernels(shape(), frames);
  }

 private:
  void reserve_for_kernels() override {
    if (std::exchange(planned_m_, shape().m) != shape().m) plans_.clear();
    const std::size_t plane_bytes = shape().pattern_cells() * (2 * sizeof(Complex) + sizeof(float));
    window_jobs_ = static_cast<int>(std::clamp<std::size_t>(
        window_bytes_ / plane_bytes, 1, static_cast<std::size_t>(std::min(shape().jobs(), kMostJobs))));
    const auto jobs = static_cast<std::size_t>(window_jobs_);
    reserve_zeroed(g_, jobs * shape().pattern_cells());
    reserve_zeroed(work_, jobs * shape().pattern_cells());
    support_.reserve(jobs * shape().object_cells());
    scratch_.reserve(jobs * BatchedWindow{.starts = {.n = shape().n}}.wrap_scratch());
    partials_.reserve(jobs * static_cast<std::size_t>(tiles_of(shape().m * shape().m)));
    state_.reserve(jobs);
    last_.reserve(jobs * shape().object_cells());
    for (int planes = 1; planes < window_jobs_; planes *= 2) make_plan(planes);
    make_plan(window_jobs_);
  }

  void release_for_kernels() override {
    g_.release();
    work_.release();
    support_.release();
    scratch_.release();
    partials_.release();
    state_.release();
    last_.release();
    plans_.clear();
  }

  void make_plan(int planes) { plans_.try_emplace(planes, shape().m, planes, stream_); }
  /// For at least so many planes: the window has room for what is transformed in vain.
  const FftPlan& plan(int jobs) const { return plans_.lower_bound(jobs)->second; }

  std::size_t window_bytes_;
  int window_jobs_ = 1;
  CudaStream stream_;
  CudaEvent uploaded_, done_;
  DeviceBuffer<Complex> g_, work_;
  DeviceBuffer<std::uint8_t> support_;
  DeviceBuffer<float> scratch_;
  DeviceBuffer<Sums> partials_;
  DeviceBuffer<JobState> state_;
  DeviceBuffer<Complex> last_;
  Mirrored<int> active_;
  std::map<int, FftPlan> plans_;  // by planes, for patterns of planned_m_
  int planned_m_ = 0;
};

}  // namespace

std::unique_ptr<DeviceRunner> make_batched_runner(const CudaSolverOptions& options) {
  return std::make_unique<BatchedRunner>(options);
}

}  // namespace flashphase::refine::cuda
