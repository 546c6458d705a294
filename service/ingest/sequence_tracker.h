#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "engine/frame/frame.h"
#include "service/ingest/source.h"

namespace flashphase::ingest {

/// Watches the identities of one stream: gaps, late frames, duplicates, begins and ends that are missing.
///
/// Memory is bounded whatever the peer sends: the last kRuns runs, and of each the last kWindow sequence
/// numbers. A frame further back than that cannot be told from a sender that began to count again, and is
/// taken as the latter. Thread: one.
class SequenceTracker {
 public:
  static constexpr std::size_t kRuns = 64;
  static constexpr std::uint64_t kWindow = 65536;

  struct Seen {
    bool duplicate = false;      ///< this id was received before; the frame is to be rejected
    std::uint64_t missing = 0;   ///< sequence numbers skipped right before this frame
    bool late = false;           ///< fills a number that was counted as missing
    bool restarted = false;      ///< the sender began to count again without a begin
    bool missing_begin = false;  ///< first frame of a run that was not announced
  };
  Seen frame(const FrameId& id);

  /// Makes room for the same numbers again: a sender that was started anew counts from 0, one that only
  /// repeats its begin goes on where it was. Returns true when a run of this source was still open.
  bool begin(const RunBegin& begin);

  struct Ended {
    bool missing_begin = false;
    std::uint64_t expected_frames = 0;  ///< as announced at the begin; 0 = unknown
    std::uint64_t received_frames = 0;  ///< of this run, duplicates not counted
  };
  Ended end(const RunEnd& end);

 private:
  struct Run {
    std::string source;
    std::uint64_t run = 0;
    bool open = false;
    bool counting = false;     ///< `first` and `next` hold
    bool begun_again = false;  ///< a begin came while it was open, and no frame since
    std::uint64_t first = 0;   ///< numbers before it are not missed
    std::uint64_t next = 0;    ///< one above the highest number seen
    std::uint64_t expected = 0;
    std::uint64_t received = 0;
    std::vector<std::uint64_t> seen;  ///< bit n % kWindow of those below `next`: n was received

    bool is_seen(std::uint64_t n) const { return seen[n % kWindow / 64] >> (n % 64) & 1; }
    void set_seen(std::uint64_t n, bool value);
    void start_at(std::uint64_t n);
    void advance_to(std::uint64_t n);
  };

  /// The run, made when it is not known; the most recent one is in front, the least recent one makes room.
  Run& find(const std::string& source, std::uint64_t run, bool& made);

  std::list<Run> runs_;
};

}  // namespace flashphase::ingest
