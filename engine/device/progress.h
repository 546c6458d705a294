#pragma once

#include <chrono>
#include <cstddef>
#include <ostream>
#include <string>

namespace flashphase {

/// How far long work has come: done, rate, time left. On a terminal one line that is written over several
/// times a second; elsewhere (a file, a batch system's log) a line every 10 s, so that short work leaves
/// none. Thread: one.
class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  /// `what`: the word for the things done ("frames"). `name` begins each line that is not written over.
  /// `begin`: when the work began; `done_before`: what was done by then, which does not count in the rate.
  Progress(std::ostream& out, bool on_terminal, std::string name, std::string what, std::size_t total,
           Clock::time_point begin, std::size_t done_before = 0);

  /// To be called every 0.25 s, or oftener.
  void tell(std::size_t done, Clock::time_point now);
  /// Takes the line of the terminal away, before anything else is written there.
  void clear();

 private:
  std::string line(std::size_t done, Clock::time_point now) const;

  std::ostream& out_;
  const bool on_terminal_;
  const std::string name_, what_;
  const std::size_t total_, done_before_;
  const Clock::time_point begin_;
  Clock::time_point next_;
  std::size_t shown_ = 0;  ///< characters
};

/// "42 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"
std::string duration_text(double seconds);

}  // namespace flashphase
