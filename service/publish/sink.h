#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/frame/reconstruction.h"

namespace flashphase::publish {

struct RunEvent {
  enum class Kind { begin, end };
  Kind kind = Kind::begin;
  std::string source;
  std::uint64_t run = 0;
  std::uint64_t expected_frames = 0;  ///< as announced at the begin; 0 = unknown
  std::uint64_t received_frames = 0;  ///< at the end: of this run
  std::uint64_t sent_frames = 0;      ///< at the end: as the sender says
  std::uint64_t missing_frames = 0;   ///< at the end: of this run, that never came
};

/// No further result of this frame will come: it was refined, its refinement was lost, or none was asked for.
/// Comes once for each frame with a result, after the last one.
struct Final {
  FrameId id;
};

/// The accounts of a drained daemon: received = published + rejected + dropped.
struct Bye {
  std::uint64_t received = 0;
  std::uint64_t published = 0;
  std::uint64_t rejected = 0;
  std::uint64_t dropped = 0;
};

/// Takes results. Seam: service/publish/protocols.cpp has the table of those that there are.
///
/// Thread: one, which must not wait: no member function may block on a consumer. One that has to (a disk, a
/// broker) says so with queue_length() and gets a thread of its own, on which it may. problem() is called
/// from any thread. Results are shared and constant; keeping one is cheap. Where each stage has one
/// worker the end of a run comes after the last result of its frames, with more of them near it; never before
/// the refined result of a frame that came before it.
class Sink {
 public:
  virtual ~Sink() = default;
  /// A metric label.
  virtual const std::string& name() const = 0;
  /// Where it is, for the log; empty when nowhere.
  virtual std::string endpoint() const { return {}; }
  /// Each returns false when it did not reach every consumer that asked for it.
  virtual bool take(const std::shared_ptr<const Reconstruction>& result) = 0;
  virtual bool take(const RunEvent& event) = 0;
  virtual bool take(const Final&) { return true; }
  virtual bool take(const Bye& bye) = 0;
  /// What keeps it from doing its work that nobody but the operator can mend, one sentence; nothing when all
  /// is well.
  virtual std::optional<std::string> problem() const { return std::nullopt; }
  /// How many results may wait for one that blocks; 0: it never does.
  virtual std::size_t queue_length() const { return 0; }
  /// Called at least ten times a second, for housekeeping.
  virtual void tend() {}
};

}  // namespace flashphase::publish
