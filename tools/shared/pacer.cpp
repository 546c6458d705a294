#include "tools/shared/pacer.h"

#include <charconv>
#include <stdexcept>
#include <string>

namespace flashphase::tools {
namespace {

/// The whole text as a number above zero; 0 when it is not one.
template <class T>
T positive(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value > T{0} ? value : T{0};
}

}  // namespace

Pacer Pacer::from_rate(std::string_view rate) {
  if (rate == "max") return {0, 1};
  const double hertz = positive<double>(rate);
  if (hertz == 0)
    throw std::invalid_argument("--rate is '" + std::string(rate) +
                                "'; it must be 'max' or frames per second above 0");
  return {hertz, 1};
}

Pacer Pacer::from_trains(std::string_view trains) {
  const std::size_t cross = trains.find('x');
  const double hertz = positive<double>(trains.substr(0, cross));
  const auto pulses = cross == std::string_view::npos ? 0 : positive<std::uint64_t>(trains.substr(cross + 1));
  if (hertz == 0 || pulses == 0)
    throw std::invalid_argument("--trains is '" + std::string(trains) +
                                "'; it must be like 10x352: trains a second x pulses a train");
  return {hertz, pulses};
}

std::chrono::nanoseconds Pacer::due(std::uint64_t frame) const {
  if (trains_per_second_ == 0) return std::chrono::nanoseconds{0};
  return std::chrono::nanoseconds{
      static_cast<std::int64_t>(1e9 * static_cast<double>(train(frame)) / trains_per_second_)};
}

}  // namespace flashphase::tools
