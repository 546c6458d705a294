#include "engine/device/progress.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

namespace flashphase {
namespace {

constexpr std::chrono::milliseconds kOnTerminal{250};
constexpr std::chrono::seconds kElsewhere{10};

/// "12.3", "0.042"
std::string rate_text(double rate) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), rate >= 100 ? "%.0f" : "%.3g", rate);
  return text.data();
}

}  // namespace

std::string duration_text(double seconds) {
  constexpr std::pair<long long, const char*> kUnits[] = {
      {86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}};
  constexpr double kMost = 1e9;  // 30 years
  const auto whole = static_cast<long long>(std::ceil(seconds < kMost ? seconds : kMost));
  for (std::size_t i = 0; i + 1 < std::size(kUnits); ++i) {
    const auto [unit, name] = kUnits[i];
    if (whole < unit) continue;
    const auto [small, small_name] = kUnits[i + 1];
    return std::to_string(whole / unit) + name + " " + std::to_string(whole % unit / small) + small_name;
  }
  return std::to_string(whole) + " s";
}

Progress::Progress(std::ostream& out, bool on_terminal, std::string name, std::string what, std::size_t total,
                   Clock::time_point begin, std::size_t done_before)
    : out_(out),
      on_terminal_(on_terminal),
      name_(std::move(name)),
      what_(std::move(what)),
      total_(total),
      done_before_(done_before),
      begin_(begin),
      next_(begin + (on_terminal ? Clock::duration(kOnTerminal) : Clock::duration(kElsewhere))) {}

std::string Progress::line(std::size_t done, Clock::time_point now) const {
  std::string text = std::to_string(done) + " of " + std::to_string(total_) + " " + what_;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  if (done <= done_before_ || !(seconds > 0)) return text;
  const double rate = static_cast<double>(done - done_before_) / seconds;
  return text + ", " + rate_text(rate) + "/s, " + duration_text(static_cast<double>(total_ - done) / rate) +
         " left";
}

void Progress::tell(std::size_t done, Clock::time_point now) {
  if (now < next_) return;
  std::string text = line(done, now);
  if (on_terminal_) {
    const std::size_t length = text.size();
    if (length < shown_) text.append(shown_ - length, ' ');
    out_ << '\r' << text << std::flush;
    shown_ = length;
    next_ = now + kOnTerminal;
  } else {
    out_ << name_ << ": " << text << std::endl;
    while (next_ <= now) next_ += kElsewhere;
  }
}

void Progress::clear() {
  if (shown_ == 0) return;
  out_ << '\r' << std::string(shown_, ' ') << '\r' << std::flush;
  shown_ = 0;
}

}  // namespace flashphase
