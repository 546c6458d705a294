#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "engine/infer/bench_support.h"
#include "engine/infer/network.h"
#include "tools/bench/commands.h"
#include "tools/frame_pool.h"
#include "tools/json.h"
#include "tools/program.h"

namespace flashphase::tools {
namespace {

struct Arguments {
  std::string model;
  int threads = 1;
  std::vector<int> batches{1, 2, 4, 8, 16, 32, 64};
  std::string precision = "automatic";
  double seconds = 1;
  bool json = false;
};

struct BatchSpeed {
  int batch = 0;
  double median_seconds = 0;
  double gflops = 0;

  double frames_per_second() const { return batch / median_seconds; }
};

PatternBatch patterns(int count, int size) {
  const FramePool pool = simulated_pool({static_cast<std::size_t>(count), 0, {}, 1});
  if (pool.size != size)
    throw std::invalid_argument("the model takes patterns of " + std::to_string(size) +
                                " pixels; the simulator makes " + std::to_string(pool.size));
  PatternBatch batch(count, size);
  for (int i = 0; i < count; ++i)
    std::copy(pool.hits[static_cast<std::size_t>(i)].begin(), pool.hits[static_cast<std::size_t>(i)].end(),
              batch.intensity.begin() + static_cast<std::ptrdiff_t>(batch.pattern_cells()) * i);
  return batch;
}

BatchSpeed measure(Network& network, int batch, double seconds) {
  const PatternBatch input = patterns(batch, network.info().pattern_size);
  ObjectBatch output;
  network.infer(input, output);
  std::vector<double> calls;
  const Clock::time_point end =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  while (Clock::now() < end || calls.size() < 5) {
    const Clock::time_point start = Clock::now();
    network.infer(input, output);
    calls.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::nth_element(calls.begin(), calls.begin() + static_cast<std::ptrdiff_t>(calls.size() / 2), calls.end());
  const double median = calls[calls.size() / 2];
  return {batch, median, 1e-9 * infer::network_flops(network) * batch / median};
}

NetworkOptions options_of(const Arguments& arguments) {
  NetworkOptions options;
  if (arguments.precision == "fp32") options.precision = NetworkOptions::Precision::fp32;
  if (arguments.precision == "bf16") options.precision = NetworkOptions::Precision::bf16;
  options.threads = arguments.threads;
  options.warm_up_batches = arguments.batches;
  return options;
}

int run(const Arguments& arguments) {
  const auto network =
      make_network(arguments.model.empty() ? shipped_model() : arguments.model, options_of(arguments));
  const double peak_before = 1e-9 * infer::measured_peak_flops(arguments.threads, network->precision());
  std::vector<JsonObject> rows;
  double best = 0;
  for (const int batch : arguments.batches) {
    const BatchSpeed speed = measure(*network, batch, arguments.seconds);
    best = std::max(best, speed.gflops);
    rows.emplace_back()
        .add("batch", batch)
        .add("milliseconds_p50", 1e3 * speed.median_seconds)
        .add("frames_per_second", speed.frames_per_second())
        .add("gflops", speed.gflops);
    if (!arguments.json)
      std::cout << "batch " << batch << ": " << 1e3 * speed.median_seconds << " ms, "
                << speed.frames_per_second() << " frames/s, " << speed.gflops << " GFLOP/s\n";
  }
  const double peak =
      std::max(peak_before, 1e-9 * infer::measured_peak_flops(arguments.threads, network->precision()));
  JsonObject report;
  report.add("backend", "cpu").add("model", network->info().name).add("precision", network->precision());
  report.add("threads", arguments.threads)
      .add("batches", rows)
      .add("peak_gflops", peak)
      .add("ratio_to_peak", best / peak);
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
  app->add_option("--model", arguments->model, "model file, or none; default: the shipped one");
  app->add_option("--threads", arguments->threads, "threads inside one call")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app->add_option("--batches", arguments->batches, "batch sizes")
      ->delimiter(',')
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app->add_option("--precision", arguments->precision)
      ->check(CLI::IsMember({"automatic", "fp32", "bf16"}))
      ->capture_default_str();
  app->add_option("--seconds", arguments->seconds, "per batch size")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app->add_flag("--json", arguments->json, "one JSON object");
  return [arguments] { return run(*arguments); };
}

}  // namespace flashphase::tools
