#include "engine/device/stop_signals.h"

#include <csignal>

namespace flashphase {
namespace {

volatile std::sig_atomic_t signals_seen = 0;

void on_signal(int number) {
  signals_seen = 1;
  if (number != SIGHUP) std::signal(number, SIG_DFL);
}

}  // namespace

void stop_on_signals() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  if (std::signal(SIGHUP, on_signal) == SIG_IGN) std::signal(SIGHUP, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
}

bool stop_requested() {
  return signals_seen != 0;
}

}  // namespace flashphase
