#include <CLI/CLI.hpp>
#include <stdexcept>
#include <string>

#include "tools/shared/frame_pool.h"
#include "tools/shared/frame_stream.h"
#include "tools/shared/program.h"
#include "tools/shared/sender_arguments.h"

namespace flashphase::tools {
namespace {

/// Datasets carry no times: speed 1 stands for this many frames a second.
constexpr double kFramesPerSecond = 100;

struct ReplayArguments {
  std::string dataset;
  SenderArguments connection;
  std::string speed = "1";
  std::uint64_t frames = 0;

  void add_to(CLI::App& app) {
    app.add_option("dataset", dataset, "dataset file (HDF5, /patterns)")->required();
    connection.add_to(app);
    app.add_option("--speed", speed, "factor on 100 frames a second, or max")->capture_default_str();
    app.add_option("--frames", frames,
                   "frames to send, from the start again when the file has fewer; 0 = each once")
        ->capture_default_str();
  }
};

Pacer pacer_of(const std::string& speed) {
  if (speed == "max") return Pacer::from_rate(speed);
  try {
    return Pacer::from_rate(std::to_string(kFramesPerSecond * std::stod(speed)));
  } catch (const std::logic_error&) {
    throw std::invalid_argument("--speed is '" + speed + "'; it must be 'max' or a factor above 0");
  }
}

int replay(ReplayArguments& arguments) {
  const Pacer pacer = pacer_of(arguments.speed);
  DatasetImages images(arguments.dataset);
  const std::uint64_t frames = arguments.frames > 0 ? arguments.frames : images.count();

  stop_on_signals();
  NativeSender sender = arguments.connection.connect();
  FrameStream stream(sender, pacer);
  bool going = stream.begin(frames);
  for (std::uint64_t i = 0; going && i < frames; ++i)
    going = stream.send(images.image(i), images.size(), true);
  const bool ended = stream.end();
  print_line(stream.totals().json().text());
  if (!ended) throw std::runtime_error("nobody took the end of the run");
  return kDone;
}

}  // namespace
}  // namespace flashphase::tools

int main(int argc, char** argv) {
  CLI::App app(
      "Sends a recorded dataset to flashphased as a detector would and prints a JSON line of what it sent.",
      "flashphase-replay");
  flashphase::tools::ReplayArguments arguments;
  arguments.add_to(app);
  return flashphase::tools::run_program(app, argc, argv,
                                        [&] { return flashphase::tools::replay(arguments); });
}
