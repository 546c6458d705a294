#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/frame/frame.h"
#include "engine/frame/rejection.h"

namespace spdlog {
class logger;
}

namespace flashphase::service {

/// Lines of key=value on standard error: time (UTC) and level, then what the message says, `event=` first.
/// `level`: debug, info, warning or error.
std::shared_ptr<spdlog::logger> make_logger(const std::string& level);

/// A value for a log line: in quotes, with quotes and line ends inside it escaped.
std::string quoted(const std::string& value);

/// Lets one line per reason and second through, and says how many were held back before it. Thread-safe.
class RejectionThrottle {
 public:
  /// Nothing: hold back. A number: let through, this many were held back since the last one.
  std::optional<std::uint64_t> ask(Rejection reason, Clock::time_point now);

 private:
  struct Line {
    Clock::time_point next{};
    std::uint64_t held_back = 0;
  };
  std::mutex mutex_;
  std::array<Line, kRejectionCount> lines_;  // guarded by mutex_
};

}  // namespace flashphase::service
