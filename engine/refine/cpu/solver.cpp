#include "engine/refine/solver.h"

#include <stdexcept>
#include <utility>

#include "engine/device/crew.h"
#include "engine/refine/cpu/lanes.h"
#include "engine/refine/input_check.h"
#include "engine/refine/starts/choose.h"

namespace flashphase::refine {
namespace {

/// What solvers that share their cores have in common.
struct Shared {
  explicit Shared(int cores) : crew(cores) {}

  Crew crew;
  cpu::Lanes lanes;
};

class CpuSolver final : public Solver {
 public:
  CpuSolver(const CpuOptions& options, std::shared_ptr<Shared> shared)
      : options_(options), shared_(std::move(shared)) {}

  void solve(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule,
             Refined& out) override {
    check_input(patterns, starts, schedule);
    Conclusion::begin(patterns, starts, out);
    const Crew::Place place(shared_->crew);
    shared_->crew.run(patterns.count, [&](int frame) {
      solve_frame({patterns, starts, schedule, frame, shared_->lanes.new_ticket(), starts.support_of(frame)},
                  out);
    });
  }

 private:
  void solve_frame(const cpu::FrameTask& task, Refined& out) {
    if (!lane_for(task)->take(task)) return;
    const Starts& starts = task.starts;
    const auto given = static_cast<std::size_t>(starts.per_frame);
    Results results{ObjectBatch(starts.per_frame, starts.size), std::vector<int>(given), {}};
    const std::size_t cells = results.objects.cells();
    const ForEach each = [this](int count, const auto& work) { shared_->crew.run(count, work); };
    run_starts(task, std::span(starts.object).subspan(static_cast<std::size_t>(task.frame) * cells, cells),
               results);
    for (int generation = 1; generation < starts.choosing.generations; ++generation)
      run_starts(task, bred(results, lowest_residual(results), each), results);
    lane_for(task)->conclude(task.patterns, starts, task.schedule, task.frame, results, out, each);
  }

  /// One generation: the schedule from each of the starts [K, n, n].
  void run_starts(const cpu::FrameTask& task, std::span<const std::complex<float>> starts, Results& results) {
    const std::size_t cells = results.objects.object_cells();
    shared_->crew.run(results.objects.count, [&](int k) {
      const auto lane = lane_for(task);
      lane->take(task);
      lane->run(task, starts.subspan(static_cast<std::size_t>(k) * cells, cells), options_.time_limit, k,
                results);
    });
  }

  cpu::Lanes::Lease lane_for(const cpu::FrameTask& task) {
    return shared_->lanes.lease(task.patterns.size, task.starts.size, task.ticket);
  }

  CpuOptions options_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace

std::vector<std::unique_ptr<Solver>> make_cpu_solvers(int count, const CpuOptions& options) {
  if (options.cores < 1) throw std::invalid_argument("refine: a solver needs a core");
  const auto shared = std::make_shared<Shared>(options.cores);
  std::vector<std::unique_ptr<Solver>> solvers;
  for (int i = 0; i < count; ++i) solvers.push_back(std::make_unique<CpuSolver>(options, shared));
  return solvers;
}

std::unique_ptr<Solver> make_cpu_solver(const CpuOptions& options) {
  return std::move(make_cpu_solvers(1, options).front());
}

}  // namespace flashphase::refine
