#include "trainer/nearest.h"

#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>

#include "engine/dataset/dataset.h"
#include "engine/dataset/patterns.h"
#include "engine/device/cores.h"
#include "trainer/method.h"

namespace flashphase::trainer {
namespace {

constexpr std::size_t kBlock = 4096;  // patterns of the training set at once: 64 MB of 64 x 64 pixels
constexpr int kRows = 12;
constexpr double kSecondsOfPaper = 30;  // a pattern, among 142 500; Wu et al. 2021, section 3

/// Patterns as rows of a matrix: moduli [K, m*m], 0 where not measured, and what is measured, 1 or 0.
struct Rows {
  torch::Tensor modulus, measured;
  bool whole;  ///< every pixel is measured
};

Rows rows_of(const Dataset& dataset, torch::Device device) {
  PatternBatch batch = patterns_of(dataset);
  const std::vector<std::int64_t> shape{batch.count, batch.size * batch.size};
  const auto measured = torch::from_blob(batch.measured.data(), shape, torch::kByte);
  const auto modulus = torch::from_blob(batch.intensity.data(), shape, torch::kFloat).sqrt();
  const bool whole = std::ranges::find(batch.measured, std::uint8_t{0}) == batch.measured.end();
  const auto as_float = measured.to(torch::kFloat);
  return {(modulus * as_float).to(device), as_float.to(device), whole};
}

/// The best so far for each of the frames.
class Search {
 public:
  Search(Rows frames)
      : frames_(std::move(frames)),
        energy_(frames_.modulus.square().sum(1)),
        best_(torch::zeros_like(energy_)),
        index_(torch::zeros_like(energy_, torch::kLong)) {}

  /// `block`: patterns of the searched set from number `first` on.
  void look_at(const Rows& block, std::size_t first) {
    const auto product = frames_.modulus.mm(block.modulus.t());
    const auto square = block.modulus.square();
    const auto energy = frames_.whole ? square.sum(1).unsqueeze(0) : frames_.measured.mm(square.t());
    const auto [similarity, at] =
        (product.square() / (energy * energy_.unsqueeze(1)).clamp_min(1e-30)).max(1);
    const auto better = similarity > best_;
    best_ = torch::where(better, similarity, best_);
    index_ = torch::where(better, at + static_cast<std::int64_t>(first), index_);
  }

  std::vector<Neighbour> neighbours() const {
    const auto chi2 = (1 - best_).clamp_min(0).cpu(), index = index_.cpu();
    std::vector<Neighbour> found(static_cast<std::size_t>(chi2.size(0)));
    for (std::size_t i = 0; i < found.size(); ++i)
      found[i] = {static_cast<std::size_t>(index.data_ptr<std::int64_t>()[i]), chi2.data_ptr<float>()[i]};
    return found;
  }

 private:
  Rows frames_;
  torch::Tensor energy_, best_, index_;  // [F]
};

NearestRow row_of(std::size_t searched, const std::vector<Neighbour>& neighbours) {
  std::vector<double> chi2;
  for (const Neighbour& one : neighbours) chi2.push_back(static_cast<double>(one.modulus_chi2));
  return {searched, figure_of(std::move(chi2))};
}

void refine_neighbours(const NearestOptions& options, const DatasetReader& training,
                       const DatasetReader& data, Nearest& found) {
  constexpr std::size_t kAtOnce = 64;
  const refine::Schedule schedule = refine::parse_schedule(options.refine);
  const auto solver = refine::make_cpu_solver({.cores = options.threads});
  refine::Refined refined;
  const std::span<const Neighbour> neighbours(found.neighbours);
  for (std::size_t first = 0; first < neighbours.size(); first += kAtOnce) {
    const auto some = neighbours.subspan(first, std::min(kAtOnce, neighbours.size() - first));
    solver->solve(patterns_of(data.read(first, some.size())), starts_from_neighbours(training, some),
                  schedule, refined);
    for (const float residual : refined.objects.residual)
      found.refined_chi2.push_back(static_cast<double>(residual));
  }
}

}  // namespace

refine::Starts starts_from_neighbours(const DatasetReader& training, std::span<const Neighbour> neighbours) {
  if (training.object_size() == 0)
    throw std::runtime_error(training.path() + " has no /objects to begin with");
  std::vector<int> numbers;
  for (const Neighbour& one : neighbours) numbers.push_back(static_cast<int>(one.index));
  ObjectBatch objects(static_cast<int>(numbers.size()), training.object_size());
  objects.object = training.read(numbers).objects;
  return refine::starts_from(objects);
}

Nearest nearest(const NearestOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  const DatasetReader training(options.training), data(options.data);
  training.require_patterns();
  data.require_patterns();
  if (training.pattern_size() != data.pattern_size())
    throw std::invalid_argument(options.training + " has patterns of " +
                                std::to_string(training.pattern_size()) + " pixels, " + options.data +
                                " of " + std::to_string(data.pattern_size()) + ": give two of one size");
  const auto at_most = [](std::size_t limit, std::size_t count) {
    return limit > 0 ? std::min(limit, count) : count;
  };
  const std::size_t searched = at_most(options.searched, training.count());
  const torch::NoGradGuard no_gradients;
  const torch::Device device = device_of(options.backend);
  at::set_num_threads(device.is_cpu() ? options.threads : 1);
  Search search(rows_of(data.read(0, at_most(options.frames, data.count())), device));

  std::vector<std::size_t> stops{searched};
  while (stops.size() < kRows && stops.back() / 2 > 0) stops.push_back(stops.back() / 2);
  std::ranges::reverse(stops);
  Nearest found;
  std::size_t first = 0;
  for (const std::size_t stop : stops) {
    while (first < stop) {
      const std::size_t count = std::min(kBlock, stop - first);
      search.look_at(rows_of(training.read(first, count), device), first);
      first += count;
    }
    found.neighbours = search.neighbours();
    found.rows.push_back(row_of(stop, found.neighbours));
  }
  found.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (!options.refine.empty()) refine_neighbours(options, training, data, found);
  return found;
}

namespace {

void print_json(const Nearest& found) {
  std::printf("{\"frames\": %zu, \"seconds\": %.6g, \"rows\": [", found.neighbours.size(), found.seconds);
  for (const NearestRow& row : found.rows)
    std::printf("%s\n  {\"searched\": %zu, \"modulus_chi2\": {\"mean\": %.6g, \"median\": %.6g}}",
                &row == &found.rows.front() ? "" : ",", row.searched, row.modulus_chi2.mean,
                row.modulus_chi2.median);
  std::printf("\n], \"neighbours\": [");
  for (const Neighbour& one : found.neighbours)
    std::printf("%s\n  {\"index\": %zu, \"modulus_chi2\": %.6g}",
                &one == &found.neighbours.front() ? "" : ",", one.index,
                static_cast<double>(one.modulus_chi2));
  std::printf("\n]");
  if (!found.refined_chi2.empty()) {
    const Figure refined = figure_of(found.refined_chi2);
    std::printf(", \"refined_modulus_chi2\": {\"mean\": %.6g, \"median\": %.6g}", refined.mean,
                refined.median);
  }
  std::printf("}\n");
}

void print_table(const Nearest& found) {
  std::printf("  searched  modulus chi2 mean / median\n");
  for (const NearestRow& row : found.rows)
    std::printf("%10zu  %.4g / %.4g\n", row.searched, row.modulus_chi2.mean, row.modulus_chi2.median);
  std::printf("%.3g ms a pattern (Wu et al. 2021: %g s)\n",
              1e3 * found.seconds / static_cast<double>(found.neighbours.size()), kSecondsOfPaper);
  if (!found.refined_chi2.empty()) {
    const Figure refined = figure_of(found.refined_chi2);
    std::printf("refined: modulus chi2 %.4g / %.4g\n", refined.mean, refined.median);
  }
}

}  // namespace

void print(const Nearest& found, bool json) {
  if (json) {
    print_json(found);
  } else {
    print_table(found);
  }
}

void add_nearest(CLI::App& parent) {
  auto options = std::make_shared<NearestOptions>();
  options->threads = usable_cores();
  CLI::App* app = parent.add_subcommand(
      "nearest", "Look for each pattern's nearest neighbour in a training set: what a network has to beat");
  app->add_option("--training", options->training, "Dataset that is searched")->required();
  app->add_option("--data", options->data, "Dataset whose patterns are looked for")->required();
  app->add_option("--searched", options->searched, "Only the first N patterns of the training set");
  app->add_option("--frames", options->frames, "Only the first N patterns that are looked for");
  app->add_option("--backend", options->backend, "cpu or cuda")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  app->add_option("--threads", options->threads, "Of the CPU")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app->add_option("--refine", options->refine,
                  "Refine what was found by this schedule: the start from a nearest neighbour of Wu et al. "
                  "2021 (paper)");
  app->add_flag("--json", options->json, "Print JSON, with the neighbour of each pattern");
  app->callback([options] { print(nearest(*options), options->json); });
}

}  // namespace flashphase::trainer
