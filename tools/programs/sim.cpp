#include <CLI/CLI.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/simulate/random.h"
#include "tools/shared/faults.h"
#include "tools/shared/frame_pool.h"
#include "tools/shared/frame_stream.h"
#include "tools/shared/program.h"
#include "tools/shared/sender_arguments.h"

namespace flashphase::tools {
namespace {

constexpr std::uint64_t kChoiceStream = 78;
constexpr std::size_t kBlanks = 32;

struct SimArguments {
  SenderArguments connection;
  std::string protocol = "native";
  std::string rate = "100";
  std::string trains;
  std::uint64_t frames = 0;
  float hit_rate = 1;
  std::optional<float> photons;
  std::string dataset;
  std::size_t pool = 256;
  std::uint64_t seed = 1;
  std::vector<std::string> faults;

  void add_to(CLI::App& app) {
    app.add_option("--protocol", protocol, "wire protocol; this version has: native")->capture_default_str();
    connection.add_to(app);
    auto* hertz = app.add_option("--rate", rate, "frames per second, or max")->capture_default_str();
    app.add_option("--trains", trains, "trains a second x pulses a train, sent as bursts, e.g. 10x352")
        ->excludes(hertz);
    app.add_option("--frames", frames, "frames to send; 0 = until stopped")->capture_default_str();
    app.add_option("--hit-rate", hit_rate, "share of frames with a particle; the others are background")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    auto* counted = app.add_option("--photons", photons, "photons in a hit, counted; default: noise-free");
    counted->check(CLI::PositiveNumber);
    app.add_option("--dataset", dataset, "send the patterns of this HDF5 file instead of simulated ones")
        ->excludes(counted);
    app.add_option("--pool", pool, "different simulated hits made before the run")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--seed", seed, "of particles, noise, hits and faults")->capture_default_str();
    app.add_option("--fault", faults, "NAME=P: spoil a frame with probability P; may be repeated")
        ->expected(1)
        ->take_all();
  }
};

/// Hits out of a file or simulated, and blanks.
class Images {
 public:
  explicit Images(const SimArguments& arguments) {
    if (arguments.dataset.empty()) {
      pool_ = simulated_pool({arguments.pool, kBlanks, arguments.photons, arguments.seed});
    } else {
      recorded_.emplace(arguments.dataset);
      pool_.size = recorded_->size();
      pool_.blanks = blank_images(pool_.size, kBlanks, arguments.seed);
    }
  }

  int size() const { return pool_.size; }
  std::span<const float> operator()(bool hit, std::uint64_t number) {
    if (hit && recorded_) return recorded_->image(number);
    const auto& images = hit ? pool_.hits : pool_.blanks;
    return images[number % images.size()];
  }

 private:
  FramePool pool_;
  std::optional<DatasetImages> recorded_;
};

int simulate(SimArguments& arguments) {
  if (arguments.protocol != "native")
    throw std::invalid_argument("--protocol is '" + arguments.protocol + "'; this version has: native");
  const Pacer pacer =
      arguments.trains.empty() ? Pacer::from_rate(arguments.rate) : Pacer::from_trains(arguments.trains);
  FaultPlan faults;
  for (const std::string& fault : arguments.faults) faults.add(fault);
  Images images(arguments);

  stop_on_signals();
  NativeSender sender = arguments.connection.connect();
  FrameStream stream(sender, pacer);
  simulate::Random random(arguments.seed, kChoiceStream);
  bool going = stream.begin(arguments.frames);
  for (std::uint64_t i = 0; going && (arguments.frames == 0 || i < arguments.frames); ++i) {
    const bool hit = random.chance(arguments.hit_rate);
    going = stream.send(images(hit, i), images.size(), hit, faults.draw(random));
  }
  const bool ended = stream.end();
  print_line(stream.totals().json().text());
  if (!ended) throw std::runtime_error("nobody took the end of the run");
  return kDone;
}

}  // namespace
}  // namespace flashphase::tools

int main(int argc, char** argv) {
  CLI::App app("Simulated detector: sends frames to flashphased and prints a JSON line of what it sent.",
               "flashphase-sim");
  flashphase::tools::SimArguments arguments;
  arguments.add_to(app);
  return flashphase::tools::run_program(app, argc, argv,
                                        [&] { return flashphase::tools::simulate(arguments); });
}
