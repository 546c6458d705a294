#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>
#include <numbers>
#include <string>
#include <vector>

#include "engine/frame/dataset.h"
#include "engine/infer/network.h"
#include "engine/refine/schedule.h"
#include "engine/refine/solver.h"
#include "engine/score/score.h"
#include "engine/simulate/random.h"
#include "tools/program.h"
#include "tools/results_file.h"

namespace flashphase::tools {
namespace {

constexpr std::uint64_t kStartStream = 79;

struct Arguments {
  std::string input, output;
  std::string model;
  std::string schedule = "polish";
  int starts = 1;
  std::uint64_t seed = 1;
  int batch = 16;

  void add_to(CLI::App& app) {
    app.add_option("input", input, "dataset file (HDF5, /patterns)")->required();
    app.add_option("output", output, "HDF5 file to write")->required();
    app.add_option("--model", model, "model file, or none; default: the shipped one");
    app.add_option("--schedule", schedule, "schedule, or none, polish, paper, random")->capture_default_str();
    app.add_option(
           "--starts", starts,
           "starts per frame: the network's answer, then its amplitude with random phases; the best is kept")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--seed", seed, "of the random phases")->capture_default_str();
    app.add_option("--batch", batch, "frames per network call")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
  }
};

PatternBatch batch_of(const Dataset& dataset, std::size_t first, int count) {
  PatternBatch batch(count, dataset.pattern_size);
  for (int i = 0; i < count; ++i) {
    const std::size_t frame = first + static_cast<std::size_t>(i),
                      at = static_cast<std::size_t>(i) * batch.pattern_cells();
    const auto pattern = dataset.pattern(frame);
    const auto measured = dataset.measured(frame);
    for (std::size_t p = 0; p < pattern.size(); ++p) {
      const bool good = (measured.empty() || measured[p] != 0) && std::isfinite(pattern[p]);
      batch.measured[at + p] = good;
      batch.intensity[at + p] = good ? std::max(pattern[p], 0.0f) : 0.0f;
    }
  }
  return batch;
}

/// The network's answers, each followed by `per_frame` - 1 copies with random phases.
refine::Starts starts_of(const ObjectBatch& objects, int per_frame, simulate::Random& random) {
  const refine::Starts single = refine::starts_from(objects);
  if (per_frame == 1) return single;
  refine::Starts starts{per_frame, single.size, {}, single.support};
  starts.object.reserve(single.object.size() * static_cast<std::size_t>(per_frame));
  const std::ptrdiff_t cells = static_cast<std::ptrdiff_t>(objects.object_cells());
  for (auto frame = single.object.begin(); frame != single.object.end(); frame += cells) {
    starts.object.insert(starts.object.end(), frame, frame + cells);
    for (int k = 1; k < per_frame; ++k)
      for (auto value = frame; value != frame + cells; ++value)
        starts.object.push_back(std::polar(
            std::abs(*value), random.uniform({-std::numbers::pi_v<float>, std::numbers::pi_v<float>})));
  }
  return starts;
}

template <class T>
void append(std::vector<T>& all, const std::vector<T>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

float median(std::vector<float> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

ReconstructionResults reconstruct_all(const Arguments& arguments, const Dataset& dataset,
                                      const refine::Schedule& schedule) {
  NetworkOptions options;
  options.warm_up_batches = {arguments.batch};
  const auto network = make_network(arguments.model.empty() ? shipped_model() : arguments.model, options);
  if (network->info().pattern_size != dataset.pattern_size)
    throw std::invalid_argument(arguments.input + " has patterns of " + std::to_string(dataset.pattern_size) +
                                " pixels; the model takes " + std::to_string(network->info().pattern_size));
  score::ModulusScorer score(dataset.pattern_size);
  const auto solver = refine::make_cpu_solver();
  simulate::Random random(arguments.seed, kStartStream);

  ReconstructionResults results;
  results.count = dataset.count;
  results.size = network->info().object_size;
  results.recipe = dataset.recipe;
  results.model = network->info().name + " " + network->info().hash;
  results.schedule = schedule.text;
  ObjectBatch objects;
  refine::Refined refined;
  for (int first = 0; first < dataset.count; first += arguments.batch) {
    const PatternBatch patterns =
        batch_of(dataset, static_cast<std::size_t>(first), std::min(arguments.batch, dataset.count - first));
    network->infer(patterns, objects);
    score(patterns, objects);
    append(results.residual, objects.residual);
    if (!schedule.steps.empty()) {
      solver->solve(patterns, starts_of(objects, arguments.starts, random), schedule, refined);
      append(results.refined_residual, refined.objects.residual);
    }
    const ObjectBatch& last = schedule.steps.empty() ? objects : refined.objects;
    append(results.objects, last.object);
    append(results.support, last.support);
  }
  return results;
}

int reconstruct(const Arguments& arguments) {
  const refine::Schedule schedule = refine::parse_schedule(arguments.schedule);
  const Dataset dataset = read_dataset(arguments.input);
  const ReconstructionResults results = reconstruct_all(arguments, dataset, schedule);
  write_results(arguments.output, results);
  std::cout << results.count << " frames, model " << results.model << ", residual median "
            << median(results.residual);
  if (!results.refined_residual.empty())
    std::cout << ", after " << results.schedule << " median " << median(results.refined_residual);
  std::cout << "; written to " << arguments.output << '\n';
  return kDone;
}

}  // namespace
}  // namespace flashphase::tools

int main(int argc, char** argv) {
  CLI::App app("Reconstructs a dataset file offline with the engine of flashphased.",
               "flashphase-reconstruct");
  flashphase::tools::Arguments arguments;
  arguments.add_to(app);
  return flashphase::tools::run_program(app, argc, argv,
                                        [&] { return flashphase::tools::reconstruct(arguments); });
}
