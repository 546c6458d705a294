#include "tools/programs/bench/bench_starts.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "engine/frame/frame.h"
#include "engine/refine/solver.h"
#include "tools/programs/bench/median.h"
#include "tools/programs/bench/refine_problem.h"

namespace flashphase::tools {
namespace {

class Side {
 public:
  Side(const RefineProblem& problem, int cores)
      : problem_(problem), solver_(refine::make_cpu_solver({.cores = cores})) {}

  /// Seconds.
  double solve(const refine::Schedule& schedule) {
    const Clock::time_point start = Clock::now();
    solver_->solve(problem_.patterns, problem_.starts, schedule, refined_);
    return seconds_between<double>(start, Clock::now());
  }
  const refine::Refined& refined() const { return refined_; }

 private:
  const RefineProblem& problem_;
  std::unique_ptr<refine::Solver> solver_;
  refine::Refined refined_{};
};

}  // namespace

StartsSpeed bench_starts(const StartsProblem& asked, const refine::Schedule& schedule) {
  constexpr std::size_t kLeastRounds = 5;
  RefineProblem problem = make_refine_problem(1, asked.size, 1);
  refine::add_random_starts(problem.starts, asked.starts, 1);
  problem.starts.choosing.average = asked.starts > 1 ? refine::Averaging::always : refine::Averaging::never;
  problem.starts.choosing.confidence = asked.starts > 1;
  Side one(problem, 1), all(problem, asked.threads);
  one.solve(schedule);  // memory is taken
  all.solve(schedule);
  StartsSpeed speed{.same_bytes = true};
  std::vector<double> ratios;
  const Clock::time_point start = Clock::now();
  while (ratios.size() < kLeastRounds || seconds_between<double>(start, Clock::now()) < asked.seconds) {
    const double alone = one.solve(schedule), together = all.solve(schedule);
    ratios.push_back(alone / together);
    speed.frames_per_second = std::max(speed.frames_per_second, 1 / together);
    speed.same_bytes &= one.refined().objects.object == all.refined().objects.object &&
                        one.refined().prtf == all.refined().prtf;
  }
  speed.ratio_to_one_thread = median(ratios);
  return speed;
}

}  // namespace flashphase::tools
