#include "trainer/generate.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "engine/dataset/dataset.h"
#include "engine/dataset/output.h"
#include "engine/device/cores.h"
#include "engine/device/share_out.h"
#include "engine/device/stop_signals.h"
#include "engine/frame/frame.h"
#include "engine/simulate/detector.h"
#include "engine/simulate/particle.h"

namespace flashphase::trainer {
namespace {

constexpr std::size_t kPiece = 1024;  // patterns made between two writes

/// The simulators of one thread.
class Maker {
 public:
  explicit Maker(const simulate::Recipe& recipe)
      : particles_(recipe),
        detector_(recipe),
        measured_(static_cast<std::size_t>(detector_.pattern_size()) * detector_.pattern_size()) {}

  void make(std::uint64_t seed, std::size_t slot, Dataset& piece) {
    const std::size_t cells = piece.pattern_cells();
    const std::span object(piece.objects.data() + slot * piece.object_cells(), piece.object_cells());
    particles_.object(seed, object);
    const std::span intensity(piece.patterns.data() + slot * cells, cells);
    const simulate::Exposure exposure = detector_.pattern(object, seed, intensity, measured_);
    if (piece.mask_per_pattern)
      std::copy(measured_.begin(), measured_.end(), piece.mask.begin() + slot * cells);
    simulate::apply_offset(object, piece.object_size, exposure.offset_y, exposure.offset_x);
  }

 private:
  simulate::ParticleSimulator particles_;
  simulate::DetectorSimulator detector_;
  std::vector<std::uint8_t> measured_;  // [m, m]
};

/// Fills the piece with the patterns first, first + 1, ...; each thread takes the next one that nobody has
/// taken.
void fill(std::vector<Maker>& makers, std::uint64_t seed, std::size_t first, Dataset& piece) {
  share_out(static_cast<int>(makers.size()), piece.count, [&](int maker, int slot) {
    const auto at = static_cast<std::size_t>(slot);
    makers[static_cast<std::size_t>(maker)].make(simulate::element_seed(seed, first + at), at, piece);
  });
}

void resize(Dataset& piece, std::size_t count) {
  piece.count = static_cast<int>(count);
  piece.patterns.resize(count * piece.pattern_cells());
  piece.objects.resize(count * piece.object_cells());
  if (piece.mask_per_pattern) piece.mask.resize(count * piece.pattern_cells());
}

void report(std::size_t done, std::size_t count, Clock::time_point start) {
  const double rate =
      static_cast<double>(done) / std::max(1e-9, seconds_between<double>(start, Clock::now()));
  std::fprintf(stderr, "generate %zu of %zu, %.0f/s, %.0f s left\n", done, count, rate,
               static_cast<double>(count - done) / rate);
}

}  // namespace

simulate::Recipe load_recipe(const std::string& name) {
  if (name == "paper") return simulate::paper_recipe();
  if (name == "training") return simulate::training_recipe();
  std::ifstream file(name);
  if (!file)
    throw std::invalid_argument("recipe '" + name +
                                "' is neither 'paper' nor 'training' nor a file that can be read");
  std::ostringstream text;
  text << file.rdbuf();
  return simulate::parse_recipe(text.str());
}

void generate(const GenerateOptions& options) {
  if (options.count < 1) throw std::invalid_argument("--count must be at least 1");
  check_output(options.output, options.overwrite, {options.recipe});
  const simulate::Recipe recipe = load_recipe(options.recipe);
  const unsigned threads = options.threads > 0 ? options.threads : static_cast<unsigned>(usable_cores());
  std::vector<Maker> makers;
  for (unsigned i = 0; i < threads; ++i) makers.emplace_back(recipe);

  Dataset piece;
  piece.object_size = recipe.object_size;
  piece.pattern_size = 2 * recipe.object_size;
  piece.mask_per_pattern = simulate::has_masks(recipe);
  piece.recipe = simulate::to_yaml(recipe);
  DatasetWriter writer(options.output);
  stop_on_signals();
  std::size_t made = 0;
  const auto start = Clock::now();
  auto reported = start;
  while (made < options.count && !stop_requested()) {
    resize(piece, std::min(kPiece, options.count - made));
    fill(makers, options.seed, made, piece);
    writer.append(piece);
    made += static_cast<std::size_t>(piece.count);
    const auto now = Clock::now();
    if (made < options.count && now - reported < std::chrono::seconds(2)) continue;
    reported = now;
    report(made, options.count, start);
  }
  if (made == 0) throw std::runtime_error("stopped before the first patterns were made; nothing is written");
  writer.finish();
  if (made < options.count)
    throw std::runtime_error("stopped after " + std::to_string(made) + " of " +
                             std::to_string(options.count) + " patterns, which " + options.output + " keeps");
}

void add_generate(CLI::App& parent) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App* command =
      parent.add_subcommand("generate", "Write a dataset of simulated patterns and their objects");
  command->add_option("output", options->output, "Dataset file to write (HDF5). Ctrl-C keeps what is made")
      ->required();
  command->add_option("--count", options->count, "Number of patterns")->capture_default_str();
  command->add_option("--recipe", options->recipe, "'paper', 'training' or a YAML file")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Same seed, same dataset")->capture_default_str();
  command->add_option("--threads", options->threads, "0 = one per core")->capture_default_str();
  command->add_flag("--overwrite", options->overwrite, "Replace OUTPUT where it is there already");
  command->callback([options] { generate(*options); });
}

}  // namespace flashphase::trainer
