#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace flashphase::tools {

/// When each frame of a run is due and which train and pulse it is. A value; knows no clock.
class Pacer {
 public:
  /// "max" (every frame is due at once) or frames per second, one frame a train. Throws
  /// std::invalid_argument.
  static Pacer from_rate(std::string_view rate);
  /// "10x352": 10 trains a second, each a burst of 352 pulses due together. Throws std::invalid_argument.
  static Pacer from_trains(std::string_view trains);

  /// After the start of the run.
  std::chrono::nanoseconds due(std::uint64_t frame) const;
  std::uint64_t train(std::uint64_t frame) const { return frame / pulses_; }
  std::uint64_t pulse(std::uint64_t frame) const { return frame % pulses_; }

 private:
  Pacer(double trains_per_second, std::uint64_t pulses)
      : trains_per_second_(trains_per_second), pulses_(pulses) {}

  double trains_per_second_;  ///< 0 = as fast as possible
  std::uint64_t pulses_;
};

}  // namespace flashphase::tools
