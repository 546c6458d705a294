#include "service/ingest/receive_mark.h"

#include <algorithm>
#include <utility>

namespace flashphase::ingest {

std::optional<int> ReceiveMark::saw(std::size_t message_bytes, int peers) {
  largest_ = std::max(largest_, message_bytes);
  if (++seen_ == kMessages) {
    seen_ = 0;
    largest_before_ = std::exchange(largest_, 1);
  }
  const std::size_t fit =
      bytes_ / std::max(largest_, largest_before_) / static_cast<std::size_t>(std::max(peers, 1));
  const int mark = static_cast<int>(std::clamp<std::size_t>(fit, 1, static_cast<std::size_t>(most_)));
  if (mark == mark_) return std::nullopt;
  return mark_ = mark;
}

}  // namespace flashphase::ingest
