#include "service/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

namespace flashphase::service {

std::shared_ptr<spdlog::logger> make_logger(const std::string& level) {
  auto logger =
      std::make_shared<spdlog::logger>("flashphased", std::make_shared<spdlog::sinks::stderr_sink_mt>());
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

std::optional<std::uint64_t> RejectionThrottle::ask(Rejection reason, Clock::time_point now) {
  std::lock_guard lock(mutex_);
  Line& line = lines_[static_cast<std::size_t>(reason)];
  if (now < line.next) {
    ++line.held_back;
    return std::nullopt;
  }
  line.next = now + std::chrono::seconds(1);
  return std::exchange(line.held_back, 0);
}

}  // namespace flashphase::service
