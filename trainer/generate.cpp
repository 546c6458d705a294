#include "trainer/generate.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <bit>
#include <complex>
#include <filesystem>
#include <iostream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/dataset/dataset.h"
#include "engine/dataset/output.h"
#include "engine/dataset/packed.h"
#include "engine/dataset/piece_log.h"
#include "engine/device/cores.h"
#include "engine/device/progress.h"
#include "engine/device/share_out.h"
#include "engine/device/stop_signals.h"
#include "engine/frame/frame.h"
#include "engine/simulate/detector.h"
#include "engine/simulate/particle.h"
#include "engine/simulate/recipe.h"

namespace flashphase::trainer {
namespace {

constexpr std::size_t kPieceBytes = 32 << 20;  // made between two writes

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

/// A power of two, so that a piece fills its chunks.
std::size_t piece_rows(const Dataset& like) {
  const std::size_t bytes =
      like.pattern_cells() * (sizeof(float) + 1) + like.object_cells() * sizeof(std::complex<float>);
  return std::bit_floor(std::clamp<std::size_t>(kPieceBytes / bytes, 1, hdf5::kChunkRows));
}

template <class T>
std::uint32_t checksum_of(const std::vector<T>& values) {
  return checksum({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
}

/// What the patterns depend on: recipe, seed, and what this program makes of them.
std::string origin_of(std::vector<Maker>& makers, std::uint64_t seed, Dataset first) {
  resize(first, 1);
  fill(makers, seed, 0, first);
  return "seed " + std::to_string(seed) + "\n" + first.recipe + std::to_string(checksum_of(first.patterns)) +
         ' ' + std::to_string(checksum_of(first.objects));
}

void check_log(const std::string& path, const GenerateOptions& options) {
  if (!options.resume && !options.overwrite && std::filesystem::exists(path))
    throw std::invalid_argument("'" + path +
                                "' holds what an unfinished run has made: --resume goes on with it, "
                                "--overwrite begins anew");
}

}  // namespace

void generate(const GenerateOptions& options) {
  if (options.count < 1) throw std::invalid_argument("--count must be at least 1");
  const std::string log_path = options.output + ".pieces";
  check_output(options.output, options.overwrite, {options.recipe});
  check_log(log_path, options);
  const simulate::Recipe recipe = simulate::load_recipe(options.recipe);
  const unsigned threads = options.threads > 0 ? options.threads : static_cast<unsigned>(usable_cores());
  std::vector<Maker> makers;
  for (unsigned i = 0; i < threads; ++i) makers.emplace_back(recipe);

  Dataset piece;
  piece.object_size = recipe.object_size;
  piece.pattern_size = 2 * recipe.object_size;
  piece.mask_per_pattern = simulate::has_masks(recipe);
  piece.recipe = simulate::to_yaml(recipe);
  const std::size_t rows = piece_rows(piece);
  stop_on_signals();
  PieceLog log(log_path, origin_of(makers, options.seed, piece), piece, rows, options.count, options.resume);
  const auto kept = [&] {
    return std::to_string(log.patterns()) + " of " + std::to_string(options.count) + " patterns, which " +
           log_path + " keeps; --resume goes on";
  };
  Progress progress(std::cerr, isatty(STDERR_FILENO) == 1, "flashphase-train generate", "patterns",
                    options.count, Clock::now(), log.patterns());
  try {
    while (log.patterns() < options.count && !stop_requested()) {
      resize(piece, std::min(rows, options.count - log.patterns()));
      fill(makers, options.seed, log.patterns(), piece);
      log.append(pack(piece, static_cast<int>(threads)));
      progress.tell(log.patterns(), Clock::now());
    }
    progress.clear();
    if (log.patterns() == options.count) {
      DatasetWriter writer(options.output);
      log.copy_to(writer);
      writer.finish();
      log.remove();
      return;
    }
  } catch (const std::runtime_error& error) {
    progress.clear();
    if (log.patterns() == 0) throw;
    throw std::runtime_error(std::string(error.what()) + "; made are " + kept());
  }
  if (log.patterns() == 0)
    throw std::runtime_error("stopped before the first patterns were made; nothing is written");
  throw std::runtime_error("stopped after " + kept());
}

void add_generate(CLI::App& parent) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App* command =
      parent.add_subcommand("generate", "Write a dataset of simulated patterns and their objects");
  command
      ->add_option("output", options->output,
                   "Dataset file to write (HDF5). Ctrl-C keeps what is made in OUTPUT.pieces")
      ->required();
  command->add_option("--count", options->count, "Number of patterns")->capture_default_str();
  command->add_option("--recipe", options->recipe, "paper, training, xfel, bcdi or a YAML file")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Same seed, same dataset")->capture_default_str();
  command->add_option("--threads", options->threads, "0 = one per core")->capture_default_str();
  command->add_flag("--overwrite", options->overwrite, "Replace OUTPUT where it is there already");
  command->add_flag("--resume", options->resume,
                    "Go on where a run that was stopped or killed has left OUTPUT.pieces");
  command->callback([options] { generate(*options); });
}

}  // namespace flashphase::trainer
