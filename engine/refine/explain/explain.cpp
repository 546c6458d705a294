#include "engine/refine/explain/explain.h"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include "engine/refine/explain/effort.h"
#include "engine/refine/input_check.h"

namespace flashphase::refine {
namespace {

class ExplainingSolver final : public Solver {
 public:
  ExplainingSolver(std::unique_ptr<Solver> solver, const ExplainOptions& options)
      : solver_(std::move(solver)), options_(options) {
    if (const int least = parse_schedule("polish").iterations(); options.iterations < least)
      throw std::invalid_argument("refine: a frame needs " + std::to_string(least) +
                                  " iterations at least to be explained, not " +
                                  std::to_string(options.iterations));
  }

  void solve(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule,
             Refined& out) override {
    if (!schedule.until_explained) return solver_->solve(patterns, starts, schedule, out);
    check_input(patterns, starts);
    check_choosing(starts.choosing);
    Efforts efforts(*solver_, options_, patterns, starts);
    efforts.look_at_counted();
    for (int k = 0; k < starts.per_frame; ++k) efforts.polish(k);
    for (int k = 0; k < starts.per_frame; ++k) efforts.go_on(k);
    for (std::uint64_t round = 0; efforts.any_left(); ++round) efforts.try_at_random(round);
    efforts.give(out);
  }

  int preferred_batch() const override { return solver_->preferred_batch(); }
  std::uint64_t out_of_memory() const override { return solver_->out_of_memory(); }

 private:
  static void check_choosing(const Choosing& choosing) {
    if (choosing.held_out > 0 || choosing.generations > 1 || choosing.by != Choice::lowest_residual)
      throw std::invalid_argument(
          "refine: the schedule explain keeps the lowest residual: it holds no pixels out, breeds no "
          "generations and chooses by nothing else");
  }

  std::unique_ptr<Solver> solver_;
  const ExplainOptions options_;
};

}  // namespace

std::unique_ptr<Solver> make_explaining_solver(std::unique_ptr<Solver> solver,
                                               const ExplainOptions& options) {
  return std::make_unique<ExplainingSolver>(std::move(solver), options);
}

}  // namespace flashphase::refine
