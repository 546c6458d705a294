#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <iostream>
#include <memory>
#include <numbers>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/frame/dataset.h"
#include "engine/infer/network.h"
#include "engine/refine/cuda_solver.h"
#include "engine/refine/schedule.h"
#include "engine/refine/solver.h"
#include "engine/score/resolution.h"
#include "engine/score/unwrap.h"
#include "tools/program.h"
#include "tools/reconstruct_worker.h"
#include "tools/results_file.h"

namespace flashphase::tools {
namespace {

constexpr int kRandomStarts = 48;  // what one random start finds is a matter of luck
constexpr int kNetworkStarts = 8;  // engine/refine/README.md

/// CLI11 takes -1 for the largest unsigned number.
CLI::Validator whole_number() {
  return CLI::Validator(
      [](const std::string& text) {
        const bool digits = std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
        return digits ? std::string() : "\"" + text + "\" is not a whole number, 0 or more";
      },
      "");
}

struct Arguments {
  std::string input, output;
  std::string model, support;
  std::string schedule = "polish";
  std::string from = "automatic", choose = "mean";
  std::vector<int> frames;
  std::optional<int> starts_given;
  std::uint64_t seed = 1;
  float spread = refine::kSpread;
  int generations = 1;
  float hold_out = 0;
  bool unwrap = false;
  int batch = 16, threads = 0;
  std::string backend = "cpu";

  void add_to(CLI::App& app) {
    app.add_option("input", input, "dataset file (HDF5, /patterns)")->required();
    app.add_option("output", output, "HDF5 file to write")->required();
    app.add_option("--frames", frames, "only these frames of the input, from 0, e.g. 80,92; default: all")
        ->delimiter(',');
    app.add_option("--model", model, "model file, or none; default: the shipped one");
    app.add_option("--schedule", schedule, "schedule, or one of " + refine::preset_names())
        ->capture_default_str();
    app.add_option("--starts", starts_given,
                   "starts per frame: random ones; or the network's answers to up to 4 views of the pattern "
                   "(as it is, "
                   "mirrored, transposed, both), then copies of the first with other phases; default: 48 "
                   "random ones, "
                   "8 from a network, 1 from the model none")
        ->check(CLI::Range(1, 100000));
    app.add_option(
           "--from", from,
           "what the schedule begins with: network, or random (takes no model; inside the support that the "
           "autocorrelation gives). automatic: random with the schedule random, else network")
        ->check(CLI::IsMember({"automatic", "network", "random"}))
        ->capture_default_str();
    app.add_option("--seed", seed, "of the starts")->check(whole_number())->capture_default_str();
    app.add_option("--spread", spread, "radians by which a phase differs from the network's answer at most")
        ->check(CLI::Range(0.0f, std::numbers::pi_v<float>))
        ->capture_default_str();
    app.add_option("--support", support,
                   "HDF5 file with /support [n, n] or [N, n, n]: the object stays inside, shrink-wrap too");
    app.add_option(
           "--choose", choose,
           "which of several starts comes out: residual (lowest), agreement (low residual and like the "
           "others), free (foretells best the pixels held out), or mean (average of the better half, settled "
           "until it fits as well)")
        ->check(CLI::IsMember({"residual", "agreement", "free", "mean"}))
        ->capture_default_str();
    app.add_option("--generations", generations,
                   "times the schedule runs, each but the first from starts bred with "
                   "the best of the last")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--hold-out", hold_out,
                   "fraction of the measured pixels, in islands, that iterations do not see")
        ->check(CLI::Range(0.0f, 0.2f))
        ->capture_default_str();
    app.add_flag("--unwrap", unwrap, "write /unwrapped_phase too");
    app.add_option("--batch", batch, "frames per network call")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--threads", threads, "frames worked on at once, on the CPU; 0 = one thread per core")
        ->check(CLI::Range(0, 1024))
        ->capture_default_str();
    app.add_option("--backend", backend, "what works on them: cpu, or cuda (the first GPU that is visible)")
        ->check(CLI::IsMember({"cpu", "cuda"}))
        ->capture_default_str();
  }

  bool random() const { return from == "random" || (from == "automatic" && schedule == "random"); }
  bool cuda() const { return backend == "cuda"; }
  /// Of the CPU; a GPU is kept busy by one.
  int workers() const {
    if (cuda()) return 1;
    return threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  }
  int starts(const Network* network) const {
    const int usual = network == nullptr ? kRandomStarts : network->info().oriented ? kNetworkStarts : 1;
    return starts_given.value_or(usual);
  }

  refine::Choosing choosing(int starts) const {
    refine::Choosing choosing;
    const bool chooses = starts > 1;
    if (chooses && choose == "agreement") choosing.by = refine::Choice::agreement;
    if (chooses && choose == "free") choosing.by = refine::Choice::free_log_likelihood;
    choosing.average = chooses && choose == "mean";
    choosing.confidence = chooses;
    choosing.held_out = hold_out;
    choosing.generations = generations;
    choosing.like_first_start = !random();
    return choosing;
  }

  /// Throws std::invalid_argument for what does not fit together.
  void check() const {
    if (choose == "free" && !(hold_out > 0))
      throw std::invalid_argument(
          "--choose free needs pixels held out: give --hold-out above 0, such as 0.05");
    if (random() && schedule == "none")
      throw std::invalid_argument(
          "--from random needs a schedule: a random start alone is no reconstruction");
    if (random() && !model.empty() && model != "none")
      std::cerr << "flashphase-reconstruct: random starts take no model; --model " << model
                << " is not used\n";
  }
};

float median(std::vector<float> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

/// Full period in pixels where each PRTF [N, rings] falls below 1/e.
std::vector<float> resolutions(const std::vector<float>& prtf, int rings) {
  const std::vector<float> threshold(static_cast<std::size_t>(rings),
                                     static_cast<float>(1 / std::numbers::e));
  std::vector<float> result;
  for (std::size_t at = 0; at < prtf.size(); at += threshold.size())
    result.push_back(
        score::resolution(std::span(prtf).subspan(at, threshold.size()), threshold, 2 * (rings - 1)).pixels);
  return result;
}

void unwrap(ReconstructionResults& results) {
  score::Unwrapper unwrapper(results.size, results.size);
  const std::size_t cells = static_cast<std::size_t>(results.size) * static_cast<std::size_t>(results.size);
  results.unwrapped_phase.resize(results.objects.size());
  std::ranges::transform(results.objects, results.unwrapped_phase.begin(),
                         [](auto value) { return std::arg(value); });
  for (std::size_t at = 0; at < results.objects.size(); at += cells) {
    const auto phase = std::span(results.unwrapped_phase).subspan(at, cells);
    unwrapper(phase, std::span(results.support).subspan(at, cells), phase);
  }
}

/// Those asked for, or all.
std::vector<int> frames_of(const Arguments& arguments, const Dataset& dataset) {
  std::vector<int> frames = arguments.frames;
  if (frames.empty()) {
    frames.resize(static_cast<std::size_t>(dataset.count));
    std::iota(frames.begin(), frames.end(), 0);
  }
  for (const int frame : frames) {
    if (frame < 0 || frame >= dataset.count)
      throw std::invalid_argument("--frames: " + arguments.input + " has frames 0 to " +
                                  std::to_string(dataset.count - 1) + ", no frame " + std::to_string(frame));
  }
  return frames;
}

std::unique_ptr<Network> network_for(const Arguments& arguments) {
  if (arguments.random()) return nullptr;
  NetworkOptions options;
  options.warm_up_batches = {arguments.batch};
  if (arguments.cuda()) options.cuda_device = 0;
  return make_network(arguments.model.empty() ? shipped_model() : arguments.model, options);
}

std::unique_ptr<refine::Solver> solver_for(const Arguments& arguments) {
  if (arguments.cuda()) return refine::make_cuda_solver();
  return refine::make_cpu_solver();
}

ReconstructionResults reconstruct_all(const Arguments& arguments, const Dataset& dataset,
                                      const refine::Schedule& schedule) {
  ReconstructionResults results;
  results.frames = frames_of(arguments, dataset);
  results.count = static_cast<int>(results.frames.size());
  const int batches = (results.count + arguments.batch - 1) / arguments.batch;
  std::vector<std::unique_ptr<Network>> networks;
  for (int i = 0; i < std::min(arguments.workers(), batches); ++i) networks.push_back(network_for(arguments));
  const Network* network = networks.front().get();
  if (network != nullptr && network->info().pattern_size != dataset.pattern_size)
    throw std::invalid_argument(arguments.input + " has patterns of " + std::to_string(dataset.pattern_size) +
                                " pixels; the model takes " + std::to_string(network->info().pattern_size));
  results.size = network ? network->info().object_size : dataset.pattern_size / 2;
  results.rings = dataset.pattern_size / 2 + 1;
  results.recipe = dataset.recipe;
  results.model = network ? network->info().name + " " + network->info().hash : "none (random starts)";
  results.schedule = schedule.text;
  ReconstructionPlan plan{.schedule = schedule,
                          .starts = {.spread = arguments.spread, .seed = arguments.seed}};
  plan.starts.per_frame = schedule.steps.empty() ? 1 : arguments.starts(network);
  plan.choosing = arguments.choosing(plan.starts.per_frame);
  if (!schedule.steps.empty())
    results.starts = std::to_string(plan.starts.per_frame) + ", seed " + std::to_string(arguments.seed);
  if (!arguments.support.empty())
    plan.upper_limit = read_support(arguments.support, dataset.count, results.size);

  std::vector<ReconstructionWorker> workers;
  for (auto& own : networks)
    workers.emplace_back(plan, dataset.pattern_size, std::move(own), solver_for(arguments));
  reconstruct_frames(workers, dataset, arguments.batch, results);
  results.resolution = resolutions(results.prtf, results.rings);
  if (arguments.unwrap) unwrap(results);
  return results;
}

int reconstruct(const Arguments& arguments) {
  arguments.check();
  const refine::Schedule schedule = refine::parse_schedule(arguments.schedule);
  const Dataset dataset = read_dataset(arguments.input);
  if (dataset.count == 0) throw std::invalid_argument(arguments.input + " holds no pattern");
  const ReconstructionResults results = reconstruct_all(arguments, dataset, schedule);
  write_results(arguments.output, results);
  std::cout << results.count << " frames, model " << results.model << ", residual median "
            << median(results.residual);
  if (!results.refined_residual.empty())
    std::cout << ", after " << results.schedule << " median " << median(results.refined_residual);
  if (!results.agreement.empty()) std::cout << ", agreement median " << median(results.agreement);
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
