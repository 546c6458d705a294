#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/refine/explain/explain.h"
#include "engine/refine/solver.h"

namespace flashphase::refine {

/// Whether a pattern was counted: its measured intensities are whole numbers.
bool is_counted(std::span<const float> intensity, std::span<const std::uint8_t> measured);

/// What has been tried for the frames of one batch, and what came of it. Thread: the solver's.
class Efforts {
 public:
  /// All references have to outlive it. Precondition: check_input().
  Efforts(Solver& solver, const ExplainOptions& options, const PatternBatch& patterns, const Starts& starts);

  /// Counted patterns alone: the first start as it is, then `polish` with all starts, chosen as they ask.
  void look_at_counted();
  /// The k-th start.
  void polish(int k);
  /// From the k-th best of these.
  void go_on(int k);
  void try_at_random(std::uint64_t round);
  /// Whether a frame is neither explained nor given up.
  bool any_left() const;
  /// Once none is left.
  void give(Refined& out) const;

 private:
  struct Answer {
    std::vector<std::complex<float>> object;  ///< [n, n]; empty = none
    std::vector<std::uint8_t> support;        ///< [n, n]
    float residual = 1;
  };
  /// Of one frame.
  struct Effort {
    int frame = 0;
    std::vector<std::uint8_t> support;  ///< [n, n]
    float explained = 0;                ///< the residual below which it is
    bool counted = false, done = false;
    Outcome outcome = Outcome::given_up;
    int iterations = 0;
    std::vector<Answer> polished;
    Answer best;
  };
  struct Round {
    const Schedule& schedule;
    /// [K, n, n] what a frame begins with, read before the next is asked for; empty = not this frame.
    std::function<std::span<const std::complex<float>>(const Effort&)> start;
    std::function<void(Effort&, Answer)> take;
    int per_frame = 1;  ///< K
    Choosing choosing{};
  };

  /// For each frame that is left. One whose iterations do not reach for it is given up.
  void run(const Round& round);
  std::span<const std::complex<float>> starts_of(const Effort& effort, int first, int count) const;
  /// Whether two independent answers are the same image, equally good.
  bool same(const Answer& a, const Answer& b) const;
  /// Keeps it where it is the best so far, and ends the frame where that is explained.
  static void keep(Effort& effort, const Answer& answer);

  Solver& solver_;
  const ExplainOptions& options_;
  const PatternBatch& patterns_;
  const Starts& starts_;
  std::size_t cells_;  ///< n n
  std::vector<Effort> efforts_;
};

}  // namespace flashphase::refine
