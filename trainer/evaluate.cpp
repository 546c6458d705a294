#include "trainer/evaluate.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <utility>

#include "engine/dataset/dataset.h"
#include "engine/dataset/patterns.h"
#include "engine/device/cores.h"
#include "engine/infer/network.h"
#include "engine/refine/starts/network_starts.h"
#include "engine/score/score.h"
#include "trainer/judge.h"

namespace flashphase::trainer {
namespace {

constexpr int kBatch = 16;

Evaluation evaluation_of(int iterations, const Samples& samples, const Samples& alone) {
  Evaluation row{iterations, figure_of(samples.modulus_chi2), figure_of(samples.amplitude_chi2),
                 figure_of(samples.phase_chi2), figure_of(samples.real_space_error)};
  for (std::size_t i = 0; i < samples.real_space_error.size(); ++i) {
    const bool is = samples.real_space_error[i] < kRight, was = alone.real_space_error[i] < kRight;
    row.made_wrong += was && !is;
    row.made_right += is && !was;
  }
  row.below = samples.share_right();
  return row;
}

/// HIO to leave a wrong basin, then accelerated ER to settle, 17 to 3: 100 iterations are the preset polish.
/// Further ones follow in the same proportion: 1 000 are the preset thorough.
refine::Schedule schedule_of(int iterations) {
  constexpr int polish = 100;
  const auto part = [](int count) {
    const int hio = count * 17 / 20;
    return (hio > 0 ? std::to_string(hio) + "*HIO+" : "") + std::to_string(count - hio) + "*AER";
  };
  return refine::parse_schedule(iterations <= polish ? part(iterations)
                                                     : part(polish) + "+" + part(iterations - polish));
}

void print_json(const std::string& network, std::size_t frames, const std::vector<Evaluation>& rows) {
  std::printf("{\"frames\": %zu, \"network\": \"%s\", \"iterations\": {", frames, network.c_str());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Evaluation& row = rows[i];
    const auto figure = [](const char* name, const Figure& value) {
      std::printf("\"%s\": {\"mean\": %.6g, \"median\": %.6g}, ", name, value.mean, value.median);
    };
    std::printf("%s\n  \"%d\": {", i == 0 ? "" : ",", row.iterations);
    figure("modulus_chi2", row.modulus_chi2);
    figure("amplitude_chi2", row.amplitude_chi2);
    figure("phase_chi2", row.phase_chi2);
    std::printf(
        "\"real_space_error\": {\"mean\": %.6g, \"median\": %.6g, \"below_0.05\": %.4f}, "
        "\"made_wrong\": %d, \"made_right\": %d}",
        row.real_space_error.mean, row.real_space_error.median, row.below, row.made_wrong, row.made_right);
  }
  std::printf("\n}}\n");
}

void print_table(const std::vector<Evaluation>& rows) {
  std::printf(
      "iterations  modulus chi2 mean/median  amplitude chi2  phase chi2      real-space error mean/median  < "
      "0.05  made wrong/right\n");
  for (const Evaluation& row : rows)
    std::printf("%10d  %10.3g / %-10.3g  %.3g / %.3g  %.3g / %.3g  %10.3g / %-10.3g  %.1f %%  %d / %d\n",
                row.iterations, row.modulus_chi2.mean, row.modulus_chi2.median, row.amplitude_chi2.mean,
                row.amplitude_chi2.median, row.phase_chi2.mean, row.phase_chi2.median,
                row.real_space_error.mean, row.real_space_error.median, row.below * 100, row.made_wrong,
                row.made_right);
}

}  // namespace

Figure figure_of(std::vector<double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  const std::size_t middle = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(middle), values.end());
  return {sum / static_cast<double>(values.size()), values[middle]};
}

std::vector<Evaluation> evaluate(const EvaluateOptions& options) {
  const DatasetReader file(options.data);
  if (file.object_size() == 0) throw std::runtime_error(options.data + " has no /objects to compare with");
  file.require_patterns();
  const auto network = make_network(options.model);
  if (network->info().pattern_size != file.pattern_size() ||
      network->info().object_size != file.object_size())
    throw std::runtime_error("model " + options.model + " takes patterns of " +
                             std::to_string(network->info().pattern_size) + " pixels; " + options.data +
                             " has " + std::to_string(file.pattern_size()));
  refine::NetworkStarts starts_of({.per_frame = options.starts}, network.get());
  const auto solver = refine::make_cpu_solver({.cores = usable_cores()});
  score::ModulusScorer scorer(file.pattern_size());
  std::vector<Samples> samples(options.iterations.size());
  Samples alone;
  ObjectBatch objects;
  refine::Refined refined;
  const std::size_t frames = options.frames > 0 ? std::min(options.frames, file.count()) : file.count();
  for (std::size_t first = 0; first < frames; first += kBatch) {
    const Dataset data = file.read(first, std::min<std::size_t>(kBatch, frames - first));
    const PatternBatch batch = patterns_of(data);
    network->infer(batch, objects);
    scorer(batch, objects);
    judge(objects, data, alone);
    const refine::Starts starts = starts_of(batch, objects);
    for (std::size_t k = 0; k < samples.size(); ++k) {
      if (options.iterations[k] == 0) continue;
      solver->solve(batch, starts, schedule_of(options.iterations[k]), refined);
      judge(refined.objects, data, samples[k]);
    }
  }
  std::vector<Evaluation> rows;
  for (std::size_t k = 0; k < samples.size(); ++k)
    rows.push_back(
        evaluation_of(options.iterations[k], options.iterations[k] == 0 ? alone : samples[k], alone));
  if (options.json) {
    print_json(network->info().name, frames, rows);
  } else {
    print_table(rows);
  }
  return rows;
}

void add_evaluate(CLI::App& parent) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* app = parent.add_subcommand(
      "evaluate", "Compare a network's answers, and refinements of them, with the truth");
  app->add_option("--model", options->model, "Model file, or none")->required();
  app->add_option("--data", options->data, "Dataset with /objects")->required();
  app->add_option("--iterations", options->iterations, "Iterations after the network, e.g. 0,20,100")
      ->delimiter(',')
      ->check(CLI::Range(0, 100000));
  app->add_option("--starts", options->starts,
                  "Starts of refinement, as flashphase-reconstruct makes them; their average is judged")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app->add_option("--frames", options->frames, "Only the first N frames");
  app->add_flag("--json", options->json, "Print JSON");
  app->callback([options] { evaluate(*options); });
}

}  // namespace flashphase::trainer
