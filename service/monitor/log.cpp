#include "service/monitor/log.h"

#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

namespace flashphase::service {

namespace {

/// Passes on what the limiter lets through, and with it what it held back of other events.
class LimitedSink : public spdlog::sinks::dist_sink_mt {
 public:
  LimitedSink(std::shared_ptr<spdlog::sinks::sink> to, std::function<Clock::time_point()> now)
      : now_(std::move(now)) {
    add_sink(std::move(to));
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string_view line(message.payload.data(), message.payload.size());
    const auto held_back = limiter_.ask(event_key(line), now_());
    if (!held_back) return;
    write(message, *held_back == 0 ? std::string(line) : fmt::format("{} suppressed={}", line, *held_back));
    for (const auto& [key, count] : limiter_.take_untold())
      write(message, fmt::format("event=suppressed of={} suppressed={}", key, count));
  }

 private:
  void write(spdlog::details::log_msg message, const std::string& line) {
    message.payload = line;
    dist_sink::sink_it_(message);
  }

  const std::function<Clock::time_point()> now_;
  LineLimiter limiter_;  // guarded by the mutex of the sink
};

}  // namespace

std::shared_ptr<spdlog::logger> make_logger(const std::string& level) {
  return make_logger(level, std::make_shared<spdlog::sinks::stderr_sink_mt>(), &Clock::now);
}

std::shared_ptr<spdlog::logger> make_logger(const std::string& level, std::shared_ptr<spdlog::sinks::sink> to,
                                            std::function<Clock::time_point()> now) {
  auto logger = std::make_shared<spdlog::logger>(
      "flashphased", std::make_shared<LimitedSink>(std::move(to), std::move(now)));
  logger->set_pattern("time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v", spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::info);
  return logger;
}

std::string quoted(const std::string& value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    if (c == '\n')
      text += "\\n";
    else if (static_cast<unsigned char>(c) >= 0x20)
      text += c;
  }
  return text + '"';
}

std::string_view event_key(std::string_view line) {
  constexpr std::string_view kEvent = "event=", kReason = " reason=";
  if (line.starts_with(kEvent)) line.remove_prefix(kEvent.size());
  auto end = std::min(line.find(' '), line.size());
  const std::string_view rest = line.substr(end);
  if (rest.starts_with(kReason) && !rest.substr(kReason.size()).starts_with('"'))
    end = std::min(line.find(' ', end + 1), line.size());
  return line.substr(0, end);
}

std::optional<std::uint64_t> LineLimiter::ask(std::string_view key, Clock::time_point now) {
  auto found = lines_.find(key);
  if (found == lines_.end()) found = lines_.emplace(key, Lines{.refilled = now}).first;
  Lines& lines = found->second;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now - lines.refilled);
  lines.left = static_cast<int>(std::min<std::int64_t>(kBurst, lines.left + seconds.count()));
  lines.refilled += seconds;
  if (lines.left == 0) {
    ++lines.held_back;
    return std::nullopt;
  }
  --lines.left;
  return std::exchange(lines.held_back, 0);
}

std::vector<std::pair<std::string, std::uint64_t>> LineLimiter::take_untold() {
  std::vector<std::pair<std::string, std::uint64_t>> untold;
  for (auto& [key, lines] : lines_)
    if (lines.held_back > 0) untold.emplace_back(key, std::exchange(lines.held_back, 0));
  return untold;
}

}  // namespace flashphase::service
