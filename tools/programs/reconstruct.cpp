#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <iostream>
#include <memory>
#include <numbers>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/dataset/dataset.h"
#include "engine/dataset/output.h"
#include "engine/dataset/results_file.h"
#include "engine/device/cores.h"
#include "engine/device/stop_signals.h"
#include "engine/infer/network.h"
#include "engine/refine/cuda/solver.h"
#include "engine/refine/explain/explain.h"
#include "engine/refine/schedule.h"
#include "engine/refine/solver.h"
#include "tools/programs/reconstruct_worker.h"
#include "tools/shared/program.h"
#include "tools/shared/support_file.h"

namespace flashphase::tools {
namespace {

constexpr int kRandomStarts = 48;  // what one random start finds is a matter of luck
constexpr int kNetworkStarts = 8;  // engine/refine/README.md
constexpr int kExplainStarts = 4;  // the views; explain makes its further starts itself

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
  std::optional<int> starts_given, budget;
  std::uint64_t seed = 1;
  float spread = refine::kSpread;
  int generations = 1;
  float hold_out = 0;
  bool unwrap = false;
  int batch = 16, threads = 0;
  std::string backend = "cpu";
  bool overwrite = false;

  void add_to(CLI::App& app) {
    app.add_option("input", input, "dataset file (HDF5, /patterns)")->required();
    app.add_option("output", output,
                   "HDF5 file to write. Ctrl-C keeps the frames that are done: /frames names them")
        ->required();
    app.add_flag("--overwrite", overwrite, "replace OUTPUT where it is there already");
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
                   "8 from a network, 4 with the schedule explain, 1 from the model none")
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
    app.add_option("--budget", budget,
                   "of the schedule explain: iterations of a frame at most; default: " +
                       std::to_string(refine::ExplainOptions().iterations))
        ->check(CLI::Range(100, 100'000'000));
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
    return threads > 0 ? threads : usable_cores();
  }
  int starts(const Network* network) const {
    const int of_network = schedule == "explain" ? kExplainStarts : kNetworkStarts;
    const int usual = network == nullptr ? kRandomStarts : network->info().oriented ? of_network : 1;
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
    if (budget && schedule != "explain")
      throw std::invalid_argument(
          "--budget is one of --schedule explain; other schedules say their iterations");
    if (random() && schedule == "explain")
      throw std::invalid_argument(
          "--schedule explain begins with a network's answer and its support; random starts have --schedule "
          "random");
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

/// Those asked for, or all.
std::vector<int> frames_of(const Arguments& arguments, const DatasetReader& dataset) {
  std::vector<int> frames = arguments.frames;
  if (frames.empty()) {
    frames.resize(dataset.count());
    std::iota(frames.begin(), frames.end(), 0);
  }
  for (const int frame : frames) {
    if (frame < 0 || static_cast<std::size_t>(frame) >= dataset.count())
      throw std::invalid_argument("--frames: " + arguments.input + " has frames 0 to " +
                                  std::to_string(dataset.count() - 1) + ", no frame " +
                                  std::to_string(frame));
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

std::unique_ptr<refine::Solver> solver_for(const Arguments& arguments, int pattern_size, int starts) {
  std::unique_ptr<refine::Solver> solver;
  if (arguments.cuda())
    solver = refine::make_cuda_solver({.pattern_size = pattern_size, .starts_per_frame = starts});
  else
    solver = refine::make_cpu_solver();
  refine::ExplainOptions options{.seed = arguments.seed};
  options.iterations = arguments.budget.value_or(options.iterations);
  return refine::make_explaining_solver(std::move(solver), options);
}

/// The networks of as many workers as there is work for, each of a size that fits.
std::vector<std::unique_ptr<Network>> networks_for(const Arguments& arguments, const DatasetReader& dataset,
                                                   std::size_t frames) {
  const auto batch = static_cast<std::size_t>(arguments.batch);
  const std::size_t workers =
      std::min(static_cast<std::size_t>(arguments.workers()), (frames + batch - 1) / batch);
  std::vector<std::unique_ptr<Network>> networks;
  while (networks.size() < workers) networks.push_back(network_for(arguments));
  const Network* network = networks.front().get();
  if (network != nullptr && network->info().pattern_size != dataset.pattern_size())
    throw std::invalid_argument(arguments.input + " has patterns of " +
                                std::to_string(dataset.pattern_size()) + " pixels; the model takes " +
                                std::to_string(network->info().pattern_size));
  return networks;
}

/// "80, 92, 99 and 12 more"
std::string listed(const std::vector<int>& frames) {
  constexpr std::size_t kNamed = 10;
  std::string text;
  for (std::size_t i = 0; i < std::min(frames.size(), kNamed); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(frames[i]);
  }
  if (frames.size() > kNamed)
    text.append(" and ").append(std::to_string(frames.size() - kNamed)).append(" more");
  return text;
}

void say(const std::string& sentence) {
  std::cerr << "flashphase-reconstruct: " << sentence << '\n';
}

/// Says on stderr what speaks against the data. Throws when nothing speaks for them.
void say_what_is_odd(const ReconstructionRun& run) {
  if (run.measured().measured < run.measured().pixels) say(run.measured().text());
  const std::vector<int>& without = run.without_image();
  if (without.empty()) return;
  if (without.size() == run.done())
    throw std::runtime_error(
        "no frame holds an image: each is dark, or all of its light lies in one row or column");
  say("no image in frames " + listed(without) + ": dark, or all of their light in one row or column");
}

void sum_up(const Arguments& arguments, const ResultsHead& head, const ReconstructionRun& run) {
  const ReconstructionResults& figures = run.figures();
  std::cout << run.done() << " frames, model " << head.model << ", residual median "
            << median(figures.residual);
  if (!figures.refined_residual.empty())
    std::cout << ", after " << head.schedule << " median " << median(figures.refined_residual);
  if (!figures.agreement.empty()) std::cout << ", agreement median " << median(figures.agreement);
  if (!figures.explained.empty())
    std::cout << ", " << std::ranges::count(figures.explained, kExplained) << " explained and "
              << std::ranges::count(figures.explained, kReproduced) << " reproduced";
  std::cout << "; written to " << arguments.output << '\n';
}

int reconstruct(const Arguments& arguments) {
  arguments.check();
  ReconstructionPlan plan{.schedule = refine::parse_schedule(arguments.schedule),
                          .starts = {.spread = arguments.spread, .seed = arguments.seed},
                          .unwrap = arguments.unwrap};
  check_output(arguments.output, arguments.overwrite, {arguments.input, arguments.model, arguments.support});
  const DatasetReader dataset(arguments.input);
  dataset.require_patterns();
  const std::vector<int> frames = frames_of(arguments, dataset);
  auto networks = networks_for(arguments, dataset, frames.size());
  const Network* network = networks.front().get();
  plan.starts.per_frame = plan.schedule.steps.empty() ? 1 : arguments.starts(network);
  plan.choosing = arguments.choosing(plan.starts.per_frame);

  const ResultsHead head{
      .size = network ? network->info().object_size : dataset.pattern_size() / 2,
      .rings = dataset.pattern_size() / 2 + 1,
      .recipe = dataset.recipe(),
      .model = network ? network->info().name + " " + network->info().hash : "none (random starts)",
      .schedule = plan.schedule.text,
      .starts = plan.schedule.steps.empty()
                    ? ""
                    : std::to_string(plan.starts.per_frame) + ", seed " + std::to_string(arguments.seed)};
  std::optional<SupportFile> support;
  if (!arguments.support.empty()) support.emplace(arguments.support, dataset.count(), head.size);
  std::vector<ReconstructionWorker> workers;
  for (auto& own : networks)
    workers.emplace_back(plan, dataset.pattern_size(), std::move(own),
                         solver_for(arguments, dataset.pattern_size(), plan.starts.per_frame));

  stop_on_signals();
  ResultsWriter out(arguments.output, head);
  ReconstructionRun run({dataset, support ? &*support : nullptr, out}, frames, arguments.batch);
  run.run(workers);
  const bool whole = run.done() == frames.size();
  if (run.done() == 0)
    throw std::runtime_error("stopped before the first frame was done; nothing is written");
  say_what_is_odd(run);
  out.finish(run.done());
  sum_up(arguments, head, run);
  if (!whole)
    say("stopped after " + std::to_string(run.done()) + " of " + std::to_string(frames.size()) +
        " frames, which " + arguments.output + " keeps");
  return whole ? kDone : kFailed;
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
