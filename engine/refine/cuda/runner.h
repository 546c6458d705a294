#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/device/device_lost.h"
#include "engine/refine/cuda/fused.h"
#include "engine/refine/cuda/solver.h"

namespace flashphase::refine::cuda {

/// What a batch needs room for.
struct RunnerShape {
  int m = 0, n = 0;
  int frames = 0;        ///< as many as come at once
  int per_frame = 1;     ///< K
  bool bounded = false;  ///< the modulus has bounds
  bool limited = false;  ///< the object has an upper limit

  int planes() const { return bounded ? 3 : 1; }
  int jobs() const { return frames * per_frame; }
  std::size_t pattern_cells() const { return static_cast<std::size_t>(m) * static_cast<std::size_t>(m); }
  std::size_t object_cells() const { return static_cast<std::size_t>(n) * static_cast<std::size_t>(n); }
  bool operator==(const RunnerShape&) const = default;
};

/// Host memory that a runner copies from and to, as StartsOnDevice; pinned where there is a device.
struct Staging {
  std::span<float> planes;
  std::span<FrameScale> scale;
  std::span<Complex> start;
  std::span<std::uint8_t> support;
  std::span<std::uint8_t> limit;
  std::span<Complex> object;
  std::span<std::uint8_t> best_support;
  std::span<Outcome> outcome;
};

/// Runs a schedule from many starts at once. It has two slots, so that the host fills one while the device
/// works on the other. Thread: one at a time.
class Runner {
 public:
  static constexpr int kSlots = 2;

  virtual ~Runner() = default;
  /// What does an iteration of patterns of m x m: "fused radix 8x8", "batched cufft".
  virtual std::string kernel_name(int m) const = 0;
  /// The frequency at each place of a modulus plane [m, m], as an index into Fft2's Fourier layout.
  virtual std::vector<int> order(int m) const = 0;
  /// Makes room in both slots for at most shape.frames frames; gives how many there is room for, at least 1.
  /// Keeps what it has when it is enough. No slot may be at work.
  virtual int prepare(const RunnerShape& shape) = 0;
  virtual Staging staging(int slot) = 0;
  /// Begins with the first `frames` frames of a slot, once it is filled.
  virtual void launch(int slot, int frames, const FlatSchedule& schedule) = 0;
  /// Blocks until the slot's results are there; returns at once where nothing is under way.
  virtual void wait(int slot) = 0;

  virtual std::uint64_t out_of_memory() const { return 0; }  ///< as Solver's
  virtual double device_seconds() const { return 0; }        ///< as CudaSolver's
};

/// reserve(frames) with as many frames as there is memory for, at most `frames`: halves them and calls
/// release() where there is not, counted in `smaller_buckets`. Throws OutOfDeviceMemory when not even one
/// fits.
template <class Reserve, class Release>
int reserve_what_fits(int frames, std::uint64_t& smaller_buckets, Reserve reserve, Release release) {
  for (;; frames = (frames + 1) / 2) {
    try {
      reserve(frames);
      return frames;
    } catch (const OutOfDeviceMemory& error) {
      release();
      if (frames == 1)
        throw OutOfDeviceMemory(std::string("refine: the GPU has no memory for even one frame: ") +
                                error.what());
      ++smaller_buckets;
    }
  }
}

/// A solver of the agreed seam around a runner: checks, scaling, choosing, registration on `host_threads`
/// threads of the host. `runner` lives as long as the solver. A start that takes longer than `time_limit`
/// ends with its best candidate.
std::unique_ptr<CudaSolver> make_runner_solver(std::unique_ptr<Runner> runner,
                                               std::chrono::nanoseconds time_limit, int host_threads = 1);

}  // namespace flashphase::refine::cuda
