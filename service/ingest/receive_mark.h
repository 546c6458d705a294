#pragma once

#include <cstddef>
#include <optional>

namespace flashphase::ingest {

/// The high-water mark of a socket that receives: as many messages, of the sizes seen lately, as fit into so
/// many bytes. ZeroMQ counts messages alone, and each connection has a queue of its own. Thread: one.
class ReceiveMark {
 public:
  /// No more than `most_messages` whatever their size.
  ReceiveMark(int most_messages, std::size_t bytes)
      : most_(most_messages), bytes_(bytes), mark_(most_messages) {}

  /// Looks at a message that came in over one of `peers` connections. The mark, when it is another one now.
  std::optional<int> saw(std::size_t message_bytes, int peers);

 private:
  /// A size that was not seen for one to two times so many messages is forgotten.
  static constexpr int kMessages = 4096;

  const int most_;
  const std::size_t bytes_;
  int mark_;
  int seen_ = 0;
  std::size_t largest_ = 1, largest_before_ = 1;
};

}  // namespace flashphase::ingest
