#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/dataset/dataset.h"
#include "engine/dataset/output.h"
#include "engine/dataset/results_file.h"
#include "engine/device/progress.h"
#include "engine/device/stop_signals.h"
#include "engine/infer/network.h"
#include "engine/refine/cuda/solver.h"
#include "engine/refine/explain/explain.h"
#include "engine/refine/retry/retry.h"
#include "engine/refine/schedule.h"
#include "engine/refine/solver.h"
#include "tools/programs/reconstruct_arguments.h"
#include "tools/programs/reconstruct_run.h"
#include "tools/programs/reconstruct_worker.h"
#include "tools/shared/program.h"
#include "tools/shared/support_file.h"

namespace flashphase::tools {
namespace {

/// Of those that are numbers, of which there is one at least.
float median(std::vector<float> values) {
  std::erase_if(values, [](float value) { return std::isnan(value); });
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

/// Those asked for, or all.
std::vector<int> frames_of(const ReconstructArguments& arguments, const DatasetReader& dataset) {
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

std::unique_ptr<Network> network_for(const ReconstructArguments& arguments) {
  if (arguments.random()) return nullptr;
  NetworkOptions options;
  options.warm_up_batches = {arguments.batch};
  if (arguments.cuda()) options.cuda_device = 0;
  return make_network(arguments.model.empty() ? shipped_model() : arguments.model, options);
}

/// One for each worker. On the CPU they share its cores, and so does the last batch of a file.
std::vector<std::unique_ptr<refine::Solver>> solvers_for(const ReconstructArguments& arguments,
                                                         int pattern_size, int starts, std::size_t workers) {
  std::vector<std::unique_ptr<refine::Solver>> solvers;
  if (!arguments.cuda())
    solvers = refine::make_cpu_solvers(static_cast<int>(workers), {.cores = arguments.cores()});
  while (solvers.size() < workers)
    solvers.push_back(refine::make_cuda_solver({.pattern_size = pattern_size, .starts_per_frame = starts}));
  for (auto& solver : solvers)
    solver =
        refine::make_explaining_solver(refine::make_retrying_solver(std::move(solver)), arguments.explain());
  return solvers;
}

/// Few, so that a signal is not long in being heard, and enough for all cores.
int frames_at_once(const ReconstructArguments& arguments, int starts) {
  constexpr int kStartsOfACore = 4;
  if (arguments.cuda()) return arguments.batch;
  return (kStartsOfACore * arguments.cores() + starts - 1) / starts;
}

/// The networks of as many workers as there is work for, each of a size that fits.
std::vector<std::unique_ptr<Network>> networks_for(const ReconstructArguments& arguments,
                                                   const DatasetReader& dataset, std::size_t frames) {
  const auto batch = static_cast<std::size_t>(arguments.batch);
  const std::size_t workers =
      std::min(static_cast<std::size_t>(arguments.cores()), (frames + batch - 1) / batch);
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

/// Says on stderr what speaks against the results.
void say_remarks(const ReconstructionResults& results) {
  for (const Remark remark : kRemarks) {
    std::vector<int> frames;
    for (std::size_t i = 0; i < results.remarks.size(); ++i)
      if (results.remarks[i].has(remark)) frames.push_back(results.frames[i]);
    Remarks alone;
    alone.add(remark);
    if (!frames.empty())
      say(std::to_string(frames.size()) + " of " + std::to_string(results.frames.size()) + " frames" +
          (alone.in_domain() ? ": " : " outside the domain: ") + std::string(text_of(remark).words) +
          " (frames " + listed(frames) + ")");
  }
}

/// Says on stderr what speaks against the data. Throws when nothing speaks for them.
void say_what_is_odd(const ReconstructionRun& run, bool whole) {
  if (run.measured().measured < run.measured().pixels) say(run.measured().text());
  const std::vector<int>& without = run.without_image();
  if (without.empty()) return;
  if (whole && without.size() == run.done())
    throw std::runtime_error(
        "no frame holds an image: each is dark, or all of its light lies in one row or column");
  say("no image in frames " + listed(without) + ": dark, or all of their light in one row or column");
}

/// Shows how far the run is, and says once that a signal was heard.
class Teller {
 public:
  explicit Teller(std::size_t frames)
      : progress_(std::cerr, isatty(STDERR_FILENO) == 1, "flashphase-reconstruct", "frames", frames,
                  Clock::now()) {}
  ~Teller() { progress_.clear(); }
  Teller(const Teller&) = delete;
  Teller& operator=(const Teller&) = delete;

  void operator()(std::size_t done) {
    if (stop_requested() && !std::exchange(stopping_, true)) {
      progress_.clear();
      say("ends after the frames at work; a second signal ends it at once, without a file");
    }
    if (!stopping_) progress_.tell(done, Clock::now());
  }

 private:
  Progress progress_;
  bool stopping_ = false;
};

void sum_up(const ReconstructArguments& arguments, const ResultsHead& head, const ReconstructionRun& run) {
  const ReconstructionResults& figures = run.figures();
  std::cout << run.done() << " frames, model " << head.model << ", residual median "
            << median(figures.residual);
  if (!figures.refined_residual.empty())
    std::cout << ", after " << head.schedule << " median " << median(figures.refined_residual);
  if (!std::ranges::all_of(figures.agreement, [](float value) { return std::isnan(value); }))
    std::cout << ", agreement median " << median(figures.agreement);
  if (!figures.split_seen.empty())
    std::cout << ", split test median " << median(figures.split_seen) << " on the half seen and "
              << median(figures.split_unseen) << " on the unseen one, where counting leaves "
              << median(figures.split_noise);
  if (!figures.explained.empty())
    std::cout << ", " << std::ranges::count(figures.explained, kExplained) << " explained and "
              << std::ranges::count(figures.explained, kReproduced) << " reproduced";
  std::cout << "; written to " << arguments.output << '\n';
}

std::string kept(const ReconstructArguments& arguments, const ReconstructionRun& run, std::size_t frames) {
  return std::to_string(run.done()) + " of " + std::to_string(frames) + " frames, which " + arguments.output +
         " keeps";
}

/// What was done before something failed is kept where the file takes it: hours of work may lie in it.
void keep_what_is_done(const ReconstructArguments& arguments, const ReconstructionRun& run,
                       std::size_t frames, ResultsWriter& out) {
  if (run.done() == 0 || !run.writable()) return;
  try {
    out.finish(run.done());
    say("failed after " + kept(arguments, run, frames));
  } catch (const std::exception&) {  // what failed first is what is said
  }
}

/// The run, and its file put in place. Gives the exit code.
int run_to_the_end(const ReconstructArguments& arguments, const ResultsHead& head, ReconstructionRun& run,
                   std::vector<ReconstructionWorker>& workers, ResultsWriter& out) {
  const std::size_t frames = head.frames_asked;
  try {
    Teller teller(frames);
    run.run(workers, std::ref(teller));
  } catch (...) {
    keep_what_is_done(arguments, run, frames, out);
    throw;
  }
  const bool whole = run.done() == frames;
  const int code = whole ? kDone : kSignal + stop_signal();
  if (run.done() == 0) {
    say("stopped before the first of " + std::to_string(frames) + " frames was done; nothing is written");
    return code;
  }
  say_what_is_odd(run, whole);
  say_remarks(run.figures());
  out.finish(run.done());
  sum_up(arguments, head, run);
  if (!whole) say("stopped after " + kept(arguments, run, frames));
  return code;
}

ResultsHead head_for(const ReconstructArguments& arguments, const ReconstructionPlan& plan,
                     const DatasetReader& dataset, const Network* network, std::size_t frames) {
  return {.size = network ? network->info().object_size : dataset.pattern_size() / 2,
          .rings = dataset.pattern_size() / 2 + 1,
          .recipe = dataset.recipe(),
          .model = network ? network->info().name + " " + network->info().hash : "none (random starts)",
          .schedule = plan.schedule.text,
          .starts = plan.schedule.steps.empty()
                        ? ""
                        : std::to_string(plan.starts.per_frame) + ", seed " + std::to_string(arguments.seed),
          .frames_asked = frames};
}

int reconstruct(const ReconstructArguments& arguments) {
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
  const int starts = plan.schedule.steps.empty() ? 1 : arguments.starts(network);
  plan.starts.per_frame = starts;
  plan.choosing = arguments.choosing(starts);
  plan.at_once = frames_at_once(arguments, starts);

  const ResultsHead head = head_for(arguments, plan, dataset, network, frames.size());
  std::optional<SupportFile> support;
  if (!arguments.support.empty()) support.emplace(arguments.support, dataset.count(), head.size);
  auto solvers = solvers_for(arguments, dataset.pattern_size(), starts, networks.size());
  std::vector<ReconstructionWorker> workers;
  for (std::size_t i = 0; i < networks.size(); ++i)
    workers.emplace_back(plan, dataset.pattern_size(), std::move(networks[i]), std::move(solvers[i]));

  stop_on_signals();
  ResultsWriter out(arguments.output, head);
  const auto split_seed = arguments.split_test ? std::optional(arguments.seed) : std::nullopt;
  ReconstructionRun run({dataset, support ? &*support : nullptr, out}, frames, arguments.batch, split_seed);
  return run_to_the_end(arguments, head, run, workers, out);
}

}  // namespace
}  // namespace flashphase::tools

int main(int argc, char** argv) {
  CLI::App app("Reconstructs a dataset file offline with the engine of flashphased.",
               "flashphase-reconstruct");
  flashphase::tools::ReconstructArguments arguments;
  arguments.add_to(app);
  return flashphase::tools::run_program(app, argc, argv,
                                        [&] { return flashphase::tools::reconstruct(arguments); });
}
