#include "engine/device/stop_signals.h"

#include <csignal>

namespace flashphase {
namespace {

volatile std::sig_atomic_t first_signal = 0;
bool hang_up_ignored = false;

/// Runs before the libraries begin: some of those that LibTorch brings handle SIGHUP even where it is
/// ignored.
[[gnu::no_sanitize_address]] void look_at_hang_up(int, char**, char**) {
  struct sigaction found {};
  sigaction(SIGHUP, nullptr, &found);
  hang_up_ignored = found.sa_handler == SIG_IGN;
}
[[gnu::section(".preinit_array"), gnu::used]] void (*const before_libraries)(int, char**,
                                                                             char**) = &look_at_hang_up;

void on_signal(int number) {
  if (first_signal == 0) first_signal = number;
  if (number != SIGHUP) std::signal(number, SIG_DFL);
}

}  // namespace

void stop_on_signals() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGHUP, hang_up_ignored ? SIG_IGN : on_signal);
  std::signal(SIGPIPE, SIG_IGN);
}

bool stop_requested() {
  return first_signal != 0;
}

int stop_signal() {
  return first_signal;
}

bool hang_up_was_ignored() {
  return hang_up_ignored;
}

}  // namespace flashphase
