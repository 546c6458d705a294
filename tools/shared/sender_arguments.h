#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "tools/shared/native_sender.h"

namespace flashphase::tools {

/// The arguments that every program which sends frames shares.
struct SenderArguments {
  SenderOptions sender;
  std::string socket = "push";
  double wait_seconds = 30;

  void add_to(CLI::App& app);
  /// Makes the sender and waits for a receiver. Throws std::runtime_error when none came in time.
  NativeSender connect();
};

/// Names this program's run: seconds since the Unix epoch, so that a second run is not taken for a repetition
/// of the first.
std::uint64_t run_of_now();

}  // namespace flashphase::tools
