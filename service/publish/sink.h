#pragma once

#include <cstdint>
#include <memory>
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

/// The accounts of a drained daemon: received = published + rejected + dropped.
struct Bye {
  std::uint64_t received = 0;
  std::uint64_t published = 0;
  std::uint64_t rejected = 0;
  std::uint64_t dropped = 0;
};

/// Takes results. Seam: ZeroMQ, live view.
///
/// Thread: the pipeline's publish thread alone, which must not wait: no member function may block on a
/// consumer. Results are shared and constant; keeping one is cheap.
class Sink {
 public:
  virtual ~Sink() = default;
  /// A metric label.
  virtual const std::string& name() const = 0;
  /// Each returns false when it did not reach every consumer that asked for it.
  virtual bool take(const std::shared_ptr<const Reconstruction>& result) = 0;
  virtual bool take(const RunEvent& event) = 0;
  virtual bool take(const Bye& bye) = 0;
  /// Called at least ten times a second, for housekeeping.
  virtual void tend() {}
};

}  // namespace flashphase::publish
