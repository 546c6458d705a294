#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "service/ingest/loss_tracker.h"

namespace flashphase::ingest {

/// Watches the identities of one stream: gaps, late frames, duplicates, begins and ends that are missing.
///
/// Memory is bounded whatever the peer sends: the last kRuns runs, and of each the last kWindow sequence
/// numbers.
///
/// A number further than kWindow from where the run is may be rubbish: alone it changes nothing. When the
/// next one is far as well and near it, the sender counts there now, and the run goes on from there. What
/// lies between is not counted as missing, or rubbish would add up for ever; frames lost there are found at
/// the end of the run, in the number that the sender says it sent. Thread: one.
class SequenceTracker : public LossTracker {
 public:
  static constexpr std::size_t kRuns = 64;
  static constexpr std::uint64_t kWindow = 65536;
  /// More frames in a run than this, 12 days at 4 kHz, are not believed.
  static constexpr std::uint64_t kLongestRun = std::uint64_t{1} << 32;

  Seen frame(const FrameId& id) override;

  /// Makes room for the same numbers again: a sender that was started anew counts from 0, one that only
  /// repeats its begin goes on where it was.
  Begun begin(const RunBegin& begin) override;

  /// A run has the frames that its end says were sent, else those that its begin announced. One that comes
  /// after the end all the same is late.
  Ended end(const RunEnd& end) override;

  bool open() const override;

 private:
  struct Run {
    std::string source;
    std::uint64_t run = 0;
    bool open = false;
    bool counting = false;     ///< `first` and `next` hold
    bool begun_again = false;  ///< a begin came while it was open, and no frame since
    std::uint64_t joined = 0;  ///< frames sent before the first one that could be received
    std::uint64_t first = 0;   ///< numbers before it are not missed
    std::uint64_t next = 0;    ///< one above the highest number seen
    std::uint64_t expected = 0;
    std::uint64_t received = 0;
    std::uint64_t missing = 0;           ///< counted, and not come late
    std::optional<std::uint64_t> stray;  ///< the last number, when it was implausible
    std::vector<std::uint64_t> seen;     ///< bit n % kWindow of those below `next`: n was received

    bool is_seen(std::uint64_t n) const { return seen[n % kWindow / 64] >> (n % 64) & 1; }
    void set_seen(std::uint64_t n, bool value);
    void start_at(std::uint64_t n);
    void move_to(std::uint64_t n);
    void skip_to(std::uint64_t n);
    void place(std::uint64_t n, Seen& result);
    std::uint64_t settle(std::uint64_t frames, bool& implausible);
  };

  /// The run, made when it is not known; the most recent one is in front, the least recent one makes room.
  Run& find(const std::string& source, std::uint64_t run, bool& made);

  std::list<Run> runs_;
};

}  // namespace flashphase::ingest
