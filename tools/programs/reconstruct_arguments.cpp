#include "tools/programs/reconstruct_arguments.h"

#include <algorithm>
#include <cctype>
#include <iostream>
#include <numbers>
#include <stdexcept>
#include <string>

#include "engine/device/cores.h"
#include "engine/refine/schedule.h"

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

}  // namespace

void ReconstructArguments::add_to(CLI::App& app) {
  app.add_option("input", input, "dataset file (HDF5, /patterns)")->required();
  app.add_option(
         "output", output,
         "HDF5 file to write. Ctrl-C and SIGTERM keep the frames that are done (/frames names them, the "
         "attribute complete is false then) and end with 130 and 143; a second one ends at once")
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
         "others), free (foretells best the pixels held out), mean (average of the better half, settled "
         "until "
         "it fits as well), or automatic (mean, but residual where there is no noise and starts disagree)")
      ->check(CLI::IsMember({"residual", "agreement", "free", "mean", "automatic"}))
      ->capture_default_str();
  app.add_option("--generations", generations,
                 "times the schedule runs, each but the first from starts bred with "
                 "the best of the last")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--budget", budget,
                 "of the schedule explain: most iterations of a frame; default: " +
                     std::to_string(refine::ExplainOptions().iterations))
      ->check(CLI::Range(100, 100'000'000));
  app.add_option("--hold-out", hold_out,
                 "fraction of the measured pixels, in islands, that iterations do not see")
      ->check(CLI::Range(0.0f, 0.2f))
      ->capture_default_str();
  app.add_flag(
      "--split-test", split_test,
      "deal out each frame's photons to two halves (--seed), reconstruct one, and judge by the other: "
      "/split_seen and /split_unseen are the modulus chi^2 on both, /split_noise what counting leaves. "
      "For data in photons; the images are those of half the exposure");
  app.add_flag("--unwrap", unwrap, "write /unwrapped_phase too");
  app.add_option("--batch", batch, "frames per network call")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--threads", threads,
                 "cores of the CPU to work on, for frames and their starts; 0 = all, and there are no more")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--backend", backend, "what works on them: cpu, or cuda (the first GPU that is visible)")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
}

int ReconstructArguments::cores() const {
  if (cuda()) return 1;
  const int usable = usable_cores();
  return threads > 0 ? std::min(threads, usable) : usable;
}

int ReconstructArguments::starts(const Network* network) const {
  const int of_network = schedule == "explain" ? kExplainStarts : kNetworkStarts;
  const int usual = network == nullptr ? kRandomStarts : network->info().oriented ? of_network : 1;
  return starts_given.value_or(usual);
}

refine::ExplainOptions ReconstructArguments::explain() const {
  refine::ExplainOptions options{.seed = seed};
  options.iterations = budget.value_or(options.iterations);
  return options;
}

refine::Choosing ReconstructArguments::choosing(int starts) const {
  refine::Choosing choosing;
  const bool chooses = starts > 1;
  if (chooses && choose == "agreement") choosing.by = refine::Choice::agreement;
  if (chooses && choose == "free") choosing.by = refine::Choice::free_log_likelihood;
  if (chooses && choose == "mean") choosing.average = refine::Averaging::always;
  if (chooses && choose == "automatic") choosing.average = refine::Averaging::automatic;
  choosing.confidence = chooses;
  choosing.held_out = hold_out;
  choosing.generations = generations;
  choosing.like_first_start = !random() && support.empty();  // what is given is where the object is
  return choosing;
}

void ReconstructArguments::check() const {
  if (choose == "free" && !(hold_out > 0))
    throw std::invalid_argument("--choose free needs pixels held out: give --hold-out above 0, such as 0.05");
  if (budget && schedule != "explain")
    throw std::invalid_argument(
        "--budget is one of --schedule explain; other schedules say their iterations");
  if (random() && schedule == "explain")
    throw std::invalid_argument(
        "--schedule explain begins with a network's answer and its support; for random starts there is "
        "--schedule random");
  if (random() && schedule == "none")
    throw std::invalid_argument("--from random needs a schedule: a random start alone is no reconstruction");
  if (random() && !model.empty() && model != "none")
    std::cerr << "flashphase-reconstruct: random starts take no model; --model " << model << " is not used\n";
  if (!cuda() && threads > cores())
    std::cerr << "flashphase-reconstruct: --threads " << threads << " is more than the cores that this "
              << "process may use, which are " << cores() << '\n';
}

}  // namespace flashphase::tools
