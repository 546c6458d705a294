#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/frame/frame.h"

namespace spdlog {
class logger;
namespace sinks {
class sink;
}
}  // namespace spdlog

namespace flashphase::service {

/// Lines of key=value on standard error: time (UTC) and level, then what the message says, `event=` first.
/// `level`: debug, info, warning or error. No event is written at a higher rate than LineLimiter lets
/// through, whatever a peer does; lines that were held back are counted in `suppressed=` of the next one.
std::shared_ptr<spdlog::logger> make_logger(const std::string& level);

/// The same to any sink, with time taken from `now`.
std::shared_ptr<spdlog::logger> make_logger(const std::string& level, std::shared_ptr<spdlog::sinks::sink> to,
                                            std::function<Clock::time_point()> now);

/// A value for a log line: in quotes, with quotes and line ends inside it escaped.
std::string quoted(const std::string& value);

/// What lines are counted by: the word behind `event=`, and that behind a `reason=` that follows it at once.
/// The words of peers stand in quotes and are no part of it, so there are few keys.
std::string_view event_key(std::string_view line);

/// Lets kBurst lines of a key through at once and one a second from then on. Thread: one at a time.
class LineLimiter {
 public:
  static constexpr int kBurst = 10;

  /// Nothing: hold this line back. A number: let it through, this many were held back since the last one.
  std::optional<std::uint64_t> ask(std::string_view key, Clock::time_point now);

  /// The keys of which lines were held back that no line has told of yet, and how many. They count as told.
  std::vector<std::pair<std::string, std::uint64_t>> take_untold();

 private:
  struct Lines {
    int left = kBurst;
    Clock::time_point refilled{};
    std::uint64_t held_back = 0;
  };
  std::map<std::string, Lines, std::less<>> lines_;
};

}  // namespace flashphase::service
