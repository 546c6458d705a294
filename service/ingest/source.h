#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "engine/frame/frame.h"
#include "engine/frame/rejection.h"

namespace flashphase::ingest {

struct RunBegin {
  std::string source;
  std::uint64_t run = 0;
  std::uint64_t expected_frames = 0;  ///< 0 = unknown
};

struct RunEnd {
  std::string source;
  std::uint64_t run = 0;
  std::uint64_t sent_frames = 0;
};

/// A message that is no frame we can take. It counts as received and rejected.
struct Rejected {
  Rejection reason = Rejection::bad_message;
  std::string detail{};         ///< what the reason does not say, for the log
  std::optional<FrameId> id{};  ///< where the message says it
};

/// A sender connected, or a connection ended: because the sender left, was silent, or sent too large a
/// message.
struct PeerChange {
  bool connected = false;
};

/// Something wrong with the source that nobody but the operator can mend, one sentence for the log.
struct Problem {
  std::string sentence;
};

/// What a stream of detector frames consists of, in the order of its sender.
using Item = std::variant<Frame, RunBegin, RunEnd, Rejected, PeerChange, Problem>;

/// Where frames come from. Seam: native Protobuf over ZeroMQ.
///
/// Thread: one at a time; the pipeline gives each source a thread of its own. Blocking: next() returns no
/// later than `deadline` (plus a millisecond of clock grain), with nothing when nothing came. Ownership: the
/// item is the caller's; the pixels of a Frame stay alive with the Frame. A bad message is an item; a throw
/// means that the source is lost.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::optional<Item> next(Clock::time_point deadline) = 0;
  /// The configured name, a metric label.
  virtual const std::string& name() const = 0;
};

}  // namespace flashphase::ingest
