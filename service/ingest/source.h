#pragma once

#include <memory>
#include <optional>
#include <string>

#include "service/ingest/items.h"
#include "service/ingest/loss_tracker.h"

namespace flashphase::ingest {

/// Where frames come from. Seam: service/ingest/protocols.cpp has the table of those that there are.
///
/// Thread: one at a time; the pipeline gives each source a thread of its own, and a source only reads and
/// stamps: what it takes longer than the wire does is lost. problem() is called from any thread. Blocking:
/// next() returns no later than `deadline` (plus a millisecond of clock grain), with nothing when nothing
/// came. Ownership: the item is the caller's; the pixels of a Frame stay alive with the Frame. A bad message
/// is an item; a throw means that the source is lost.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::optional<Item> next(Clock::time_point deadline) = 0;
  /// The configured name, a metric label.
  virtual const std::string& name() const = 0;
  /// Where it is, for the log: with the port, where the configuration left that open.
  virtual std::string endpoint() const = 0;
  /// What keeps its frames from coming that nobody but the operator can mend, one sentence; nothing when all
  /// is well.
  virtual std::optional<std::string> problem() const { return std::nullopt; }
  /// Whether it waits (a file, a replay) when the pipeline is behind. One that does not, a detector, loses
  /// its oldest frame that waits, never one of a source that does.
  virtual bool waits() const { return false; }
  /// Asked for once, before the first next().
  virtual std::unique_ptr<LossTracker> make_tracker() const = 0;
};

}  // namespace flashphase::ingest
