#pragma once

#include <cstdint>
#include <utility>

#include "service/ingest/items.h"

namespace flashphase::ingest {

/// How losses are seen in a stream of frames: from what its ids and its words of runs say, or by the source
/// itself, which then says Missing. This one does the latter: it counts what came and what it is told of.
/// Thread: one.
class LossTracker {
 public:
  virtual ~LossTracker() = default;

  struct Seen {
    bool duplicate = false;      ///< this id was received before; the frame is to be rejected
    std::uint64_t missing = 0;   ///< sequence numbers skipped right before this frame
    bool late = false;           ///< fills a number that was counted as missing
    bool implausible = false;    ///< too far from where the run is to be believed
    bool restarted = false;      ///< the sender counts elsewhere now, without a begin
    bool missing_begin = false;  ///< first frame of a run that was not announced
  };
  virtual Seen frame(const FrameId&) {
    ++received_;
    return {};
  }
  /// The source has said Missing.
  virtual void missed(std::uint64_t frames) { missing_ += frames; }

  struct Begun {
    bool missing_end = false;   ///< a run of this source was still open
    bool implausible = false;   ///< ... and had announced too many frames to be believed
    std::uint64_t missing = 0;  ///< ... or so many that did not come
  };
  virtual Begun begin(const RunBegin& begin) {
    const bool was_open = std::exchange(open_, true);
    expected_ = begin.expected_frames;
    received_ = missing_ = 0;
    return {.missing_end = was_open};
  }

  struct Ended {
    bool missing_begin = false;
    bool implausible = false;   ///< the number of frames sent is too large to be believed
    std::uint64_t missing = 0;  ///< frames after the last one received; frame() told of those before it
    std::uint64_t expected_frames = 0;  ///< as announced at the begin; 0 = unknown
    std::uint64_t received_frames = 0;  ///< of this run, duplicates not counted
    std::uint64_t missing_frames = 0;   ///< of this run, those that came late taken off
  };
  virtual Ended end(const RunEnd&) {
    return {.missing_begin = !std::exchange(open_, false),
            .expected_frames = expected_,
            .received_frames = received_,
            .missing_frames = missing_};
  }

  /// Whether a run is between its begin and its end.
  virtual bool open() const { return open_; }

 private:
  bool open_ = false;
  std::uint64_t expected_ = 0, received_ = 0, missing_ = 0;  // of the run that was begun last
};

}  // namespace flashphase::ingest
