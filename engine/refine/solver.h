#pragma once

#include <chrono>
#include <complex>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/frame/reconstruction.h"
#include "engine/refine/schedule.h"

namespace flashphase::refine {

/// Which of the results of a frame's starts comes out.
enum class Choice {
  lowest_residual,
  agreement,  ///< lowest residual * (1 - mean correlation with the other results): each alone misleads
  free_log_likelihood  ///< the best on the pixels held out; needs `held_out` > 0
};

/// Whether what comes out of two starts or more is, instead of the chosen one, the average of the better half
/// by residual (average.h).
enum class Averaging {
  never,
  automatic,  ///< unless the pattern has no noise to speak of and the starts disagree: one of them is right
              ///< then more often than their average (choose.h)
  always
};

/// What is done with several starts of a frame beyond keeping the one with the lowest residual.
struct Choosing {
  Choice by = Choice::lowest_residual;
  Averaging average = Averaging::never;
  int settle =
      100;  ///< most iterations of error reduction until the average fits as well as the best of them
  /// Fills agreement and PRTF also where neither `by` nor `average` needs them.
  bool confidence = false;
  /// Fraction of the measured pixels, in islands, that iterations do not see (free_pixels.h); in [0, 0.2].
  float held_out = 0;
  /// Rounds of the schedule; before each but the first, all starts are bred with the chosen result (guided).
  /// At least 1.
  int generations = 1;
  /// What comes out is moved onto the frame's first start (registration.h): with the network's answer there,
  /// a live picture does not flip between twins. That may leave an upper limit by as much.
  bool like_first_start = false;
};

/// Starts for a batch: K per frame. `object` in any scale; the solver fits the scale to the pattern.
struct Starts {
  int per_frame = 1;                        ///< K
  int size = 0;                             ///< n <= m/2
  std::vector<std::complex<float>> object;  ///< [B, K, n, n]
  std::vector<std::uint8_t> support;        ///< [B, n, n] 1 = inside
  Choosing choosing{};
  /// [B, n, n] 1 = where the object may be: supports are cut to it, at the start and by shrink-wrap. Empty =
  /// the whole square.
  std::vector<std::uint8_t> upper_limit{};

  /// [n, n], empty like the whole.
  std::span<const std::uint8_t> upper_limit_of(int frame) const;
  /// [n, n] the support of a frame cut to its upper limit.
  std::vector<std::uint8_t> support_of(int frame) const;
  /// One frame's.
  Starts of_frame(int frame) const;
};

/// Result of a batch: per frame the start with the lowest residual, or what `Choosing` asks for.
struct Refined {
  ObjectBatch objects;          ///< residual filled
  std::vector<int> iterations;  ///< [B] iterations done from that start (in its last generation)

  /// Where Choosing asks for them and K >= 2 (else empty):
  std::vector<float> agreement{};  ///< [B] of the better half of the results by residual (score::Confidence),
                                   ///< 0 to 1; NaN where one was enough to explain a frame
  std::vector<float> prtf{};       ///< [B, m/2 + 1] phase retrieval transfer function of the same
  /// [B] where pixels were held out: minus score::poisson_llk of the chosen start's result on them, so higher
  /// is better.
  std::vector<float> free_log_likelihood{};
  std::vector<Outcome> outcomes{};  ///< [B] where the schedule goes on until explained (else empty)
};

/// Batch of patterns + starts + schedule to refined images. Unmeasured pixels float free, they are never set
/// to zero. Seam: CPU here; CUDA solvers implement the same and pass the same conformance suite.
///
/// What comes out of a start is its best candidate: the object of lowest modulus chi^2 among those that are
/// zero outside the support (the start, every iterate of ER, and the last iterate of all cut to the support),
/// since the support last changed; an iterate of ML takes the place of all before it. `residual` is
/// engine/score's modulus chi^2 of that object, `support` the support it obeys. A pattern without signal, or
/// starts that are zero inside the support, give a zero object with residual 1.
///
/// Thread: an instance serves one thread at a time. Blocking: computes and returns. Throws
/// std::invalid_argument naming what does not fit (shapes, empty support, no measured pixel, n > m/2, NaN in
/// pattern or start, choosing). Never gives NaN.
class Solver {
 public:
  virtual ~Solver() = default;
  virtual void solve(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule,
                     Refined& out) = 0;
  /// Whether it computes steps of this algorithm; solve() refuses others with a sentence.
  virtual bool has(Algorithm) const { return true; }
  /// Frames in one call that keep the device busy.
  virtual int preferred_batch() const { return 1; }
  /// How many times, since construction, work was cut smaller for want of device memory.
  virtual std::uint64_t out_of_memory() const { return 0; }
};

struct CpuOptions {
  /// A start that has not finished its schedule after this long stops with its best candidate.
  std::chrono::nanoseconds time_limit = std::chrono::minutes(10);
  /// Threads that work at once, those that call solve() among them; at least one. What comes out does not
  /// depend on it, to the last bit.
  int cores = 1;
};

/// A batch goes out to the cores by frames, and where these are too few by the starts of a frame.
std::unique_ptr<Solver> make_cpu_solver(const CpuOptions& options = {});

/// Solvers for `count` threads that share the cores: while some of them are idle, or have no more work for
/// theirs, the others' frames and starts use them, on helpers with the nice value of who called solve(). What
/// a helper throws comes out of that call. A call never waits for a core: more callers than cores share the
/// time. Throws std::invalid_argument for less than one core.
std::vector<std::unique_ptr<Solver>> make_cpu_solvers(int count, const CpuOptions& options);

/// The start that a network's answer gives: its object, its support as amplitude > threshold of the maximum,
/// grown by `grow` pixels (smooth edges are eaten by tighter supports; see docs). An object that is zero gets
/// the whole square.
Starts starts_from(const ObjectBatch& objects, float threshold = 0.02f, int grow = 1);

/// Random starts without a network, inside a support that the pattern itself gives: r is in it where the
/// autocorrelation |F^-1 I| at 2 r is above threshold of its maximum (exact for convex, centrally symmetric
/// supports, whose autocorrelation fills twice themselves), grown by `grow` pixels. A pattern without signal
/// gets the whole square. For shrink-wrap to go on from (Marchesini et al. 2003). Throws
/// std::invalid_argument for n outside [1, m/2].
Starts random_starts(const PatternBatch& patterns, int n, int per_frame, std::uint64_t seed,
                     float threshold = 0.01f, int grow = 1);

/// Cuts the starts to an upper limit [B, n, n] and keeps it with them. A support that has nothing in common
/// with the limit becomes the limit. Throws std::invalid_argument unless the shapes agree.
void confine(Starts& starts, std::vector<std::uint8_t> upper_limit);

/// Appends `more` starts a frame, [B, more, n, n]: other answers to the same pattern. Each is first moved
/// onto the frame's first start (registration.h), since it may be the twin and lie elsewhere. Throws
/// std::invalid_argument unless the shapes agree.
void add_registered_starts(Starts& starts, int more, std::span<const std::complex<float>> objects);

/// Fills up to `per_frame` starts a frame: those there stay first, the others are random inside the support,
/// amplitude uniform in [0, 1), phase uniform. The same seed gives the
/// same starts everywhere, and to every frame of a batch.
void add_random_starts(Starts& starts, int per_frame, std::uint64_t seed);

/// Radians: near enough to a network's answer to stay with what it has right, far enough to leave what it has
/// wrong (README.md).
inline constexpr float kSpread = 0.5f;

/// The same, but the added ones are the frame's first start with the phase of each pixel moved by up to
/// `spread` radians.
void add_perturbed_starts(Starts& starts, int per_frame, float spread, std::uint64_t seed);

}  // namespace flashphase::refine
