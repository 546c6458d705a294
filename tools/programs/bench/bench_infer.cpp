#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/device/range.h"
#include "engine/infer/bench_support.h"
#include "engine/infer/network.h"
#include "proto/json.h"
#include "tools/programs/bench/commands.h"
#include "tools/programs/bench/median.h"
#include "tools/shared/frame_pool.h"
#include "tools/shared/program.h"

namespace flashphase::tools {
namespace {

struct Arguments {
  std::string model;
  std::string network;  // of random weights, instead of a model
  std::string backend = "cpu";
  int device = 0;
  int threads = 1;
  std::vector<int> batches{1, 2, 4, 8, 16, 32, 64};
  std::string precision = "automatic";
  double seconds = 1;
  bool json = false;
};

/// Medians over the calls. On a GPU by its own clock, copies included; `compute` without them, `host` as the
/// caller sees it.
struct BatchSpeed {
  int batch = 0;
  double seconds = 0, compute = 0, host = 0;

  double frames_per_second() const { return batch / seconds; }
};

/// Inputs drawn anew, several, so that no call finds what the last one left in a cache.
std::vector<PatternBatch> inputs(int batch, int size) {
  constexpr std::size_t kSets = 4, kLargestPool = 512;
  const FramePool pool = simulated_pool(
      {std::min(kLargestPool, kSets * static_cast<std::size_t>(batch)), 0, {}, std::random_device{}()});
  if (pool.size != size)
    throw std::invalid_argument("the model takes patterns of " + std::to_string(size) +
                                " pixels; the simulator makes " + std::to_string(pool.size));
  std::vector<PatternBatch> sets(kSets, PatternBatch(batch, size));
  std::size_t next = 0;
  for (PatternBatch& set : sets)
    for (int i = 0; i < batch; ++i)
      std::ranges::copy(pool.hits[next++ % pool.hits.size()],
                        set.intensity.begin() + static_cast<std::ptrdiff_t>(set.pattern_cells()) * i);
  return sets;
}

BatchSpeed measure(Network& network, int batch, double seconds) {
  const std::vector<PatternBatch> sets = inputs(batch, network.info().pattern_size);
  ObjectBatch output;
  network.infer(sets.back(), output);
  std::vector<double> total, compute, host;
  const Clock::time_point end =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  while (Clock::now() < end || host.size() < 5) {
    const Clock::time_point start = Clock::now();
    const Range range(Stage::infer);
    network.infer(sets[host.size() % sets.size()], output);
    host.push_back(seconds_between<double>(start, Clock::now()));
    const infer::DeviceTimes device = infer::device_times(network);
    total.push_back(device.total);
    compute.push_back(device.compute);
  }
  const double seen = median(host), by_device = median(total);
  return {batch, by_device > 0 ? by_device : seen, median(compute), seen};
}

NetworkOptions options_of(const Arguments& arguments) {
  using Precision = NetworkOptions::Precision;
  NetworkOptions options;
  options.precision = arguments.precision == "fp32"   ? Precision::fp32
                      : arguments.precision == "bf16" ? Precision::bf16
                      : arguments.precision == "fp16" ? Precision::fp16
                                                      : Precision::automatic;
  if (arguments.backend == "cuda") options.cuda_device = arguments.device;
  options.threads = arguments.threads;
  options.warm_up_batches = arguments.batches;
  return options;
}

/// What is measured, and its operations a pattern.
struct Subject {
  std::unique_ptr<Network> network;
  std::string kind;
  double flops = 0;
};

Subject subject_of(const Arguments& arguments, const NetworkOptions& options) {
  if (arguments.model == "none") return {make_network("none", options), "none"};
  const infer::Checkpoint checkpoint =
      arguments.network.empty()
          ? infer::read_checkpoint(arguments.model.empty() ? shipped_model() : arguments.model)
          : infer::untrained_network(arguments.network);
  return {network_from(checkpoint, options), checkpoint.network, infer::network_flops(checkpoint)};
}

int run(const Arguments& arguments) {
  const NetworkOptions options = options_of(arguments);
  const auto [network, kind, flops] = subject_of(arguments, options);
  const double peak_before = 1e-9 * infer::measured_peak_flops(options, network->precision());
  if (!arguments.json)
    std::cout << kind << " (" << network->info().name << "), " << 1e-9 * flops << " GFLOP a pattern\n";
  std::vector<JsonObject> rows;
  double best = 0;
  for (const int batch : arguments.batches) {
    const BatchSpeed speed = measure(*network, batch, arguments.seconds);
    const double gflops = 1e-9 * flops * speed.frames_per_second();
    best = std::max(best, gflops);
    JsonObject& row = rows.emplace_back();
    row.add("batch", batch)
        .add("milliseconds_p50", 1e3 * speed.seconds)
        .add("frames_per_second", speed.frames_per_second())
        .add("gflops", gflops);
    if (options.cuda_device)
      row.add("compute_milliseconds_p50", 1e3 * speed.compute).add("host_milliseconds_p50", 1e3 * speed.host);
    if (!arguments.json)
      std::cout << "batch " << batch << ": " << 1e3 * speed.seconds << " ms, " << speed.frames_per_second()
                << " frames/s, " << gflops << " GFLOP/s\n";
  }
  const double peak = std::max(peak_before, 1e-9 * infer::measured_peak_flops(options, network->precision()));
  JsonObject report;
  report.add("backend", arguments.backend)
      .add("network", kind)
      .add("model", network->info().name)
      .add("random_weights", !arguments.network.empty())
      .add("flops_per_pattern", flops)
      .add("precision", network->precision());
  report.add("threads", arguments.threads)
      .add("batches", rows)
      .add("peak_gflops", peak)
      .add("ratio_to_peak", best / peak)
      .add("out_of_memory", network->out_of_memory());
  if (arguments.json)
    std::cout << report.text() << '\n';
  else
    std::cout << network->precision() << ", peak " << peak << " GFLOP/s, best " << best / peak << " of it\n";
  return kDone;
}

}  // namespace

Command add_bench_infer(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("infer", "frames per second of the network by batch size");
  auto arguments = std::make_shared<Arguments>();
  auto* model = app->add_option("--model", arguments->model, "model file, or none; default: the shipped one");
  app->add_option("--network", arguments->network, "instead of a model: a network of random weights")
      ->check(CLI::IsMember({"flash", "wu2021"}))
      ->excludes(model);
  app->add_option("--backend", arguments->backend)
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  app->add_option("--device", arguments->device, "number of the GPU, with --backend cuda")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_option("--threads", arguments->threads, "threads inside one call")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app->add_option("--batches", arguments->batches, "batch sizes")
      ->delimiter(',')
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app->add_option("--precision", arguments->precision)
      ->check(CLI::IsMember({"automatic", "fp32", "bf16", "fp16"}))
      ->capture_default_str();
  app->add_option("--seconds", arguments->seconds, "per batch size")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app->add_flag("--json", arguments->json, "one JSON object");
  return [arguments] { return run(*arguments); };
}

}  // namespace flashphase::tools
