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

/// Frames that will not come, as the source itself knows (a protocol that numbers trains, a file that was
/// cut).
struct Missing {
  std::uint64_t count = 0;
};

/// A sender connected, or a connection ended: because the sender left, was silent, or sent too large a
/// message. A source that needs no sender (a file) says once that it is connected.
struct PeerChange {
  bool connected = false;
};

/// Something wrong with the source that nobody but the operator can mend, one sentence for the log.
struct Problem {
  std::string sentence;
};

/// Nothing will come any more: a file is at its end.
struct SourceEnd {};

/// What a stream of detector frames consists of, in the order of its sender.
using Item = std::variant<Frame, RunBegin, RunEnd, Rejected, Missing, PeerChange, Problem, SourceEnd>;

}  // namespace flashphase::ingest
