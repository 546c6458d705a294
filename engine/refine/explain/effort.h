#pragma once

#include <algorithm>
#include <complex>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "engine/refine/explain/explain.h"
#include "engine/refine/solver.h"
#include "engine/score/confidence.h"

namespace flashphase::refine {

/// One frame on its way until it is explained: what has been tried, and what came of it. Between two rounds
/// it may wait, and go to another thread and another solver. Thread: one at a time.
class Effort {
 public:
  struct Answer {
    std::vector<std::complex<float>> object;  ///< [n, n]; empty = none
    std::vector<std::uint8_t> support;        ///< [n, n]
    float residual = 1;
  };

  /// The pattern [m, m] has to outlive it. `starts`: of this frame. Precondition: check_input().
  Effort(int m, std::span<const float> intensity, std::span<const std::uint8_t> measured, Starts starts,
         const ExplainOptions& options);

  /// Whether no further round is worth it or paid for.
  bool done() const { return done_; }
  Outcome outcome() const { return outcome_; }  ///< once it is done
  /// Of the better half of all that was found, once it is done; none where one answer was enough.
  const std::optional<score::Confidence>& confidence() const { return confidence_; }
  int iterations() const { return iterations_; }
  /// The best residual over that below which it is explained.
  float excess() const { return best_.residual / std::max(explained_, std::numeric_limits<float>::min()); }
  const Answer& best() const { return best_; }
  /// The best answer [n, n]; it lies where the first start does if that is asked for
  /// (Choosing::like_first_start).
  void give(std::span<std::complex<float>> object, std::span<std::uint8_t> support) const;
  /// The answer that the frame has before its first round, which is the network's, as it came.
  void begin_with(Answer answer);

  /// One round for each that is not done: calls of the solvers for all that are at the same step. `climber`
  /// computes ML.
  static void next_round(Solver& solver, Solver& climber, std::span<Effort* const> efforts);

 private:
  /// In this order. `turn_` counts the times of one.
  enum class Step { climb, polish, go_on, at_random };

  static void run(Solver& solver, Solver& climber, Step step, std::span<Effort* const> efforts);
  static const Schedule& schedule_of(Step step);
  int price_of(Step step) const;                   ///< iterations
  std::vector<std::complex<float>> start() const;  ///< [n, n] of the present step
  void take(Answer answer, int iterations);
  bool is_better(const Answer& answer) const;
  void advance();
  bool reproduces(const Answer& answer) const;
  void compare_what_was_found();

  const int m_;
  const std::span<const float> intensity_;
  const std::span<const std::uint8_t> measured_;
  const Starts starts_;
  const ExplainOptions options_;
  const std::vector<std::uint8_t> support_;  ///< [n, n]
  const double photons_;                     ///< on measured pixels
  float noise_;                              ///< score::noise_residual; 0 where it is not counted
  bool noisy_;                               ///< iterations fit noise
  float explained_;
  Step step_;
  int turn_ = 0;
  bool done_ = false;
  Outcome outcome_ = Outcome::given_up;
  int iterations_ = 0;
  std::vector<Answer> polished_;
  std::vector<Answer> found_;  ///< in all rounds
  std::optional<score::Confidence> confidence_;
  Answer best_;
  bool as_it_came_ = false;  ///< the best is what it began with
};

}  // namespace flashphase::refine
