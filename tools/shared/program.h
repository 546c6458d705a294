#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "engine/device/stop_signals.h"

namespace flashphase::tools {

/// Exit codes of every program.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kSignal = 128;  ///< and the number of the signal that cut the work short

/// The body of a main(): parses the arguments and runs `body`. What `body` throws becomes one sentence on
/// stderr: std::invalid_argument ends with kUsage, any other exception with kFailed.
int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body);

/// Writes a line to standard output, at once and whole. False when nobody reads there any more, and what
/// follows goes nowhere; throws std::runtime_error when it cannot be written for another reason. After
/// stop_on_signals().
bool print_line(const std::string& line);

/// The folder of the running program, where its siblings are.
std::string program_folder();

/// The model that the project ships, found from the program's folder upwards. Throws std::runtime_error when
/// it is not there.
std::string shipped_model();

}  // namespace flashphase::tools
