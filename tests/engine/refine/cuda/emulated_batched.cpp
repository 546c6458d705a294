#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "engine/fft/fft2.h"
#include "engine/refine/cuda/batched_driver.h"
#include "tests/engine/device/block_emulator.h"
#include "tests/engine/refine/cuda/emulated_runner.h"
#include "tests/engine/refine/cuda/host_staging.h"

namespace flashphase::refine::cuda {
namespace {

constexpr int kJobThreads = 64;
constexpr int kWindow = 2;  // jobs

/// The window's own memory.
struct WindowMemory {
  WindowMemory() = default;
  explicit WindowMemory(const RunnerShape& shape)
      : g(kWindow * shape.pattern_cells()),
        work(g.size()),
        support(kWindow * shape.object_cells()),
        scratch(kWindow * (2 * shape.object_cells() + static_cast<std::size_t>(shape.n) + 1)),
        partials(kWindow * static_cast<std::size_t>(tiles_of(shape.m * shape.m))),
        state(kWindow),
        last(kWindow * shape.object_cells()) {}

  std::vector<Complex> g, work;
  std::vector<std::uint8_t> support;
  std::vector<float> scratch;
  std::vector<Sums> partials;
  std::vector<JobState> state;
  std::vector<Complex> last;
};

class EmulatedKernels final : public BatchedKernels {
 public:
  EmulatedKernels(const BatchedWindow& window, fft::Fft2& fft)
      : window_(window),
        fft_(fft),
        re_(static_cast<std::size_t>(window.cells())),
        im_(re_.size()),
        scratch_(3 * kTileThreads) {}

  void load_starts() override {
    each_job([&](EmulatedBlock& block, int job) { load_start(block, window_, job, scratch_.data()); });
  }
  void forward_iterate() override { transform_all(window_.g, false); }
  void forward_work() override { transform_all(window_.work, false); }
  void inverse() override { transform_all(window_.work, true); }

  void project(bool wants_sums) override {
    each_tile([&](EmulatedBlock& block, int job, int tile) {
      if (window_.bounded)
        project_tile<true>(block, window_, job, tile, wants_sums, scratch_.data());
      else
        project_tile<false>(block, window_, job, tile, wants_sums, scratch_.data());
    });
  }
  void decide(const Decision& decision) override {
    for (int job = 0; job < window_.jobs; ++job) cuda::decide(window_, job, decision);
  }
  void update(PixelOperation operation, const ProgramStep& step, bool keeps) override {
    each_tile([&](EmulatedBlock& block, int job, int tile) {
      block.each([&](int thread) { update_tile(window_, job, tile, thread, operation, step, keeps); });
    });
  }
  void smooth(float width) override {
    each_tile([&](EmulatedBlock& block, int job, int tile) {
      block.each([&](int thread) { smooth_tile(window_, job, tile, thread, width); });
    });
  }
  void wrap(const ShrinkWrap& rule, float part, int done) override {
    each_job([&](EmulatedBlock& block, int job) {
      wrap_job(block, window_, job, rule, part, done, scratch_.data());
    });
  }
  bool all_stopped() override {
    EmulatedBlock block(kJobThreads);
    return active_jobs(block, window_, scratch_.data()) == 0;
  }

 private:
  template <class Work>
  void each_job(Work work) {
    for (int job = 0; job < window_.jobs; ++job) {
      EmulatedBlock block(kJobThreads);
      work(block, job);
    }
  }
  template <class Work>
  void each_tile(Work work) {
    for (int job = 0; job < window_.jobs; ++job) {
      for (int tile = 0; tile < tiles_of(window_.cells()); ++tile) {
        EmulatedBlock block(kTileThreads);
        work(block, job, tile);
      }
    }
  }

  void transform_all(const Complex* from, bool inverse) {
    const auto cells = static_cast<std::size_t>(window_.cells());
    for (int job = 0; job < window_.jobs; ++job) {
      for (std::size_t i = 0; i < cells; ++i) {
        const Complex value = from[window_.at(job) + i];
        re_[i] = value.re;
        im_[i] = value.im;
      }
      if (inverse)
        fft_.inverse(re_.data(), im_.data());
      else
        fft_.forward(re_.data(), im_.data());
      const float scale = inverse ? static_cast<float>(cells) : 1.0f;
      for (std::size_t i = 0; i < cells; ++i)
        window_.work[window_.at(job) + i] = {scale * re_[i], scale * im_[i]};
    }
  }

  const BatchedWindow& window_;
  fft::Fft2& fft_;
  fft::AlignedFloats re_, im_;
  std::vector<float> scratch_;
};

class EmulatedBatchedRunner final : public Runner {
 public:
  explicit EmulatedBatchedRunner(const EmulatedOptions& options) : options_(options) {}

  std::string kernel_name(int) const override { return "batched"; }

  std::vector<int> order(int m) const override {
    std::vector<int> order(static_cast<std::size_t>(m) * static_cast<std::size_t>(m));
    std::iota(order.begin(), order.end(), 0);
    return order;
  }

  int prepare(const RunnerShape& shape) override {
    shape_ = shape;
    shape_.frames = std::min(shape.frames, options_.room);
    for (HostStaging& slot : slots_) slot = HostStaging(shape_);
    memory_ = WindowMemory(shape);
    fft_.emplace(shape.m);
    return shape_.frames;
  }

  Staging staging(int slot) override { return slots_[static_cast<std::size_t>(slot)].spans(); }

  void launch(int slot, int frames, const FlatSchedule& flat) override {
    BatchedWindow window;
    window.starts = slots_[static_cast<std::size_t>(slot)].on_device(shape_);
    window.bounded = flat.program.bounded;
    window.m = shape_.m;
    window.g = memory_.g.data();
    window.work = memory_.work.data();
    window.support = memory_.support.data();
    window.scratch = memory_.scratch.data();
    window.partials = memory_.partials.data();
    window.state = memory_.state.data();
    window.last = memory_.last.data();
    const int jobs = frames * shape_.per_frame;
    for (window.first = 0; window.first < jobs; window.first += kWindow) {
      window.jobs = std::min(kWindow, jobs - window.first);
      EmulatedKernels kernels(window, *fft_);
      run_batched(kernels, flat, shape_.m);
    }
  }

  void wait(int) override {}

 private:
  EmulatedOptions options_;
  RunnerShape shape_;
  std::array<HostStaging, kSlots> slots_;
  WindowMemory memory_;
  std::optional<fft::Fft2> fft_;
};

}  // namespace

std::unique_ptr<Runner> make_emulated_batched_runner(const EmulatedOptions& options) {
  return std::make_unique<EmulatedBatchedRunner>(options);
}

}  // namespace flashphase::refine::cuda
