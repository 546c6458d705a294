#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "engine/refine/cuda_batched_driver.h"
#include "engine/refine/cuda_fft_plan.h"
#include "engine/refine/cuda_kernels.h"
#include "engine/refine/cuda_slot.h"

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
  void wrap(const ShrinkWrap& rule, float sigma, int done) override {
    launch_wrap(window_, rule, sigma, done, stream_);
  }
  bool all_stopped() override {
    launch_count_active(window_, active_.device.data(), stream_);
    active_.download(1, stream_);
    check(cudaStreamSynchronize(stream_), "a kernel");
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
      : starts_at_once_(options.starts_at_once), window_bytes_(options.window_bytes) {
    active_.reserve(1);
    if (window_bytes_ > 0) return;
    int cache = 0;
    check(cudaDeviceGetAttribute(&cache, cudaDevAttrL2CacheSize, options.device), "device");
    window_bytes_ = static_cast<std::size_t>(cache) / 2;
  }

  std::vector<int> order(int m) const override {
    std::vector<int> transposed;
    for (int ky = 0; ky < m; ++ky) {
      for (int kx = 0; kx < m; ++kx) transposed.push_back(kx * m + ky);
    }
    return transposed;
  }

  int prepare(const RunnerShape& shape) override {
    if (shape.m != shape_.m) plans_.clear();
    shape_ = shape;
    const int most = std::min(shape.frames, std::max(1, starts_at_once_ / shape.per_frame));
    const int room = reserve_what_fits(
        most, counters_, [&](int frames) { reserve(frames, shape.frames); }, [&] { release(); });
    if (room < most) starts_at_once_ = room * shape.per_frame;
    return room;
  }

  Staging staging(int slot) override { return at(slot).staging(); }

  void launch(int slot, int frames, const FlatSchedule& flat) override {
    Slot& own = at(slot);
    own.upload(shape_, frames, flat);
    own.begin_kernels();
    turn(own.stream());
    const int jobs = frames * shape_.per_frame;
    BatchedWindow window{.starts = own.on_device(shape_),
                         .bounded = flat.program.bounded,
                         .m = shape_.m,
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
      run_batched(kernels, flat, shape_.m);
    }
    turn_back(own.stream());
    own.end_kernels(shape_, frames);
  }

  void wait(int slot) override { counters_.device_seconds += at(slot).wait(); }

  CudaCounters counters() const override { return counters_; }

 private:
  Slot& at(int slot) { return slots_[static_cast<std::size_t>(slot)]; }

  /// Room for `frames` frames a slot and for the window.
  void reserve(int frames, int all_frames) {
    shape_.frames = frames;
    const std::size_t plane_bytes = shape_.pattern_cells() * (2 * sizeof(Complex) + sizeof(float));
    window_jobs_ = static_cast<int>(std::clamp<std::size_t>(
        window_bytes_ / plane_bytes, 1, static_cast<std::size_t>(std::min(shape_.jobs(), kMostJobs))));
    const auto jobs = static_cast<std::size_t>(window_jobs_);
    slots_[0].reserve(shape_);
    if (frames < all_frames) slots_[1].reserve(shape_);
    g_.reserve(jobs * shape_.pattern_cells());
    work_.reserve(jobs * shape_.pattern_cells());
    support_.reserve(jobs * shape_.object_cells());
    scratch_.reserve(jobs * BatchedWindow{.starts = {.n = shape_.n}}.wrap_scratch());
    partials_.reserve(jobs * static_cast<std::size_t>(tiles_of(shape_.m * shape_.m)));
    state_.reserve(jobs);
    last_.reserve(jobs * shape_.object_cells());
    plan(window_jobs_);
  }

  void release() {
    for (Slot& slot : slots_) slot.release();
    g_.release();
    work_.release();
    support_.release();
    scratch_.release();
    partials_.release();
    state_.release();
    last_.release();
    plans_.clear();
  }

  const FftPlan& plan(int jobs) { return plans_.try_emplace(jobs, shape_.m, jobs, stream_).first->second; }

  /// The kernels' stream goes on after `stream`, and the other way round.
  void turn(cudaStream_t stream) {
    uploaded_.record(stream);
    check(cudaStreamWaitEvent(stream_, uploaded_, 0), "event");
  }
  void turn_back(cudaStream_t stream) {
    done_.record(stream_);
    check(cudaStreamWaitEvent(stream, done_, 0), "event");
  }

  int starts_at_once_;
  std::size_t window_bytes_;
  int window_jobs_ = 1;
  RunnerShape shape_;
  Stream stream_;
  Event uploaded_, done_;
  std::array<Slot, kSlots> slots_;
  Buffer<Complex, OnDevice> g_, work_;
  Buffer<std::uint8_t, OnDevice> support_;
  Buffer<float, OnDevice> scratch_;
  Buffer<Sums, OnDevice> partials_;
  Buffer<JobState, OnDevice> state_;
  Buffer<Complex, OnDevice> last_;
  Mirrored<int> active_;
  std::map<int, FftPlan> plans_;  // by planes, of the present size
  CudaCounters counters_;
};

}  // namespace

std::unique_ptr<DeviceRunner> make_batched_runner(const CudaSolverOptions& options) {
  return std::make_unique<BatchedRunner>(options);
}

}  // namespace flashphase::refine::cuda
