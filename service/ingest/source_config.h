#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace flashphase::ingest {

/// What one sender can make the daemon hold.
struct Limits {
  std::size_t max_message_bytes = std::size_t{256} << 20;  ///< of a frame, as it comes and unpacked
  int high_water_mark = 1000;             ///< messages that wait in the socket, per connection
  std::size_t queue_bytes = 256'000'000;  ///< ... and no more bytes of them than these
};

/// Of protocols over ZeroMQ.
struct ZmqSettings {
  bool pull = false;                          ///< PULL instead of SUB
  bool bind = false;                          ///< bind instead of connect
  std::chrono::milliseconds heartbeat{1000};  ///< 0 = none
};

struct SourceConfig {
  std::string name = "detector";
  std::string protocol = "native";  ///< a row of protocols()
  std::string endpoint;
  bool waits = false;  ///< see Source::waits
  Limits limits{};
  ZmqSettings zmq{};
};

}  // namespace flashphase::ingest
