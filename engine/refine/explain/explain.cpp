#include "engine/refine/explain/explain.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/refine/explain/effort.h"
#include "engine/refine/input_check.h"
#include "engine/refine/starts/conclude.h"
#include "engine/score/noise.h"
#include "engine/score/score.h"

namespace flashphase::refine {
namespace {

class ExplainingSolver final : public Solver {
 public:
  ExplainingSolver(std::unique_ptr<Solver> solver, const ExplainOptions& options)
      : solver_(std::move(solver)), climber_(make_climber(*solver_)), options_(options) {
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
    std::vector<Effort> efforts;
    efforts.reserve(static_cast<std::size_t>(patterns.count));
    score::ModulusScorer score(patterns.size);
    for (int i = 0; i < patterns.count; ++i) {
      const auto intensity = patterns.intensity_of(i);
      const auto measured = patterns.measured_of(i);
      const Starts own = starts.of_frame(i);
      const auto first = std::span(own.object).first(own.support.size());
      efforts.emplace_back(patterns.size, intensity, measured, own, options_)
          .begin_with(
              {{first.begin(), first.end()}, own.support_of(0), score(intensity, measured, first, own.size)});
    }
    std::vector<Effort*> left;
    for (Effort& effort : efforts) left.push_back(&effort);
    while (!left.empty()) {
      Effort::next_round(*solver_, climber_ ? *climber_ : *solver_, left);
      std::erase_if(left, [](const Effort* effort) { return effort->done(); });
    }
    give(patterns, starts, efforts, out);
  }

  int preferred_batch() const override { return solver_->preferred_batch(); }
  std::uint64_t out_of_memory() const override { return solver_->out_of_memory(); }
  bool has(Algorithm algorithm) const override { return solver_->has(algorithm); }

 private:
  static void give(const PatternBatch& patterns, const Starts& starts, const std::vector<Effort>& efforts,
                   Refined& out) {
    Conclusion::begin(patterns, starts, out);
    const std::size_t rings = static_cast<std::size_t>(patterns.size) / 2 + 1;
    out.agreement.assign(efforts.size(), std::numeric_limits<float>::quiet_NaN());
    out.prtf.assign(efforts.size() * rings, std::numeric_limits<float>::quiet_NaN());
    for (std::size_t i = 0; i < efforts.size(); ++i) {
      efforts[i].give(out.objects.object_of(static_cast<int>(i)),
                      out.objects.support_of(static_cast<int>(i)));
      out.objects.residual[i] = efforts[i].best().residual;
      out.iterations[i] = efforts[i].iterations();
      out.outcomes.push_back(efforts[i].outcome());
      if (const auto& confidence = efforts[i].confidence()) {
        out.agreement[i] = confidence->agreement;
        std::ranges::copy(confidence->prtf, out.prtf.begin() + static_cast<std::ptrdiff_t>(i * rings));
      }
    }
  }

  static void check_choosing(const Choosing& choosing) {
    if (choosing.held_out > 0 || choosing.generations > 1 || choosing.by != Choice::lowest_residual)
      throw std::invalid_argument(
          "refine: the schedule explain keeps the lowest residual: it holds no pixels out, breeds no "
          "generations and chooses by nothing else");
  }

  std::unique_ptr<Solver> solver_, climber_;  ///< the second where the first has no ML
  const ExplainOptions options_;
};

}  // namespace

bool is_counted(std::span<const float> intensity, std::span<const std::uint8_t> measured,
                const ExplainOptions& options) {
  if (options.noise <= 0) return false;
  return options.photons || score::is_counted(intensity, measured);
}

float explained_below(const ExplainOptions& options, bool counted, float noise_residual) {
  return counted ? options.noise * noise_residual : options.exact;
}

std::unique_ptr<Solver> make_climber(const Solver& solver) {
  return solver.has(Algorithm::ml) ? nullptr : make_cpu_solver();
}

std::unique_ptr<Solver> make_explaining_solver(std::unique_ptr<Solver> solver,
                                               const ExplainOptions& options) {
  return std::make_unique<ExplainingSolver>(std::move(solver), options);
}

}  // namespace flashphase::refine
