#include "tools/program.h"

#include <csignal>
#include <exception>
#include <filesystem>
#include <iostream>
#include <stdexcept>

namespace flashphase::tools {
namespace {

volatile std::sig_atomic_t signals_seen = 0;

void on_signal(int number) {
  signals_seen = 1;
  std::signal(number, SIG_DFL);
}

}  // namespace

int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
  try {
    app.parse(argc, argv);
    return body();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  } catch (const std::invalid_argument& error) {
    std::cerr << app.get_name() << ": " << error.what() << '\n';
    return kUsage;
  } catch (const std::exception& error) {
    std::cerr << app.get_name() << ": " << error.what() << '\n';
    return kFailed;
  }
}

void stop_on_signals() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

bool stop_requested() {
  return signals_seen != 0;
}

std::string program_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

std::string shipped_model() {
  for (std::filesystem::path folder = program_folder(); folder != folder.root_path();
       folder = folder.parent_path())
    for (const char* place : {"deploy/models/flash.fpm", "share/flashphase/models/flash.fpm"})
      if (std::filesystem::exists(folder / place)) return folder / place;
  throw std::runtime_error("the shipped model deploy/models/flash.fpm is not here; name one with --model");
}

}  // namespace flashphase::tools
