#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "service/publish/sink.h"

namespace flashphase::service {

/// Holds the end of a run back until the last result of its frames is out. Memory goes with the frames that
/// are being refined. Thread: one.
class RunEnds {
 public:
  /// A result of this frame is out, and another one may follow.
  void opened(const FrameId& id) { ++runs_[key(id.source, id.run)].open; }

  /// No result of this opened frame follows any more. The end that this sets free.
  std::optional<publish::RunEvent> closed(const FrameId& id) {
    const auto run = runs_.find(key(id.source, id.run));
    if (run == runs_.end() || --run->second.open > 0) return std::nullopt;
    auto end = std::move(run->second.end);
    runs_.erase(run);
    return end;
  }

  /// What may go out now of an event: a begin, and an end that was held back before it; an end when no frame
  /// of its run is open. An end that is repeated meanwhile takes the place of the one before.
  std::vector<publish::RunEvent> take(const publish::RunEvent& event) {
    std::vector<publish::RunEvent> out;
    const auto run = runs_.find(key(event.source, event.run));
    const bool is_end = event.kind == publish::RunEvent::Kind::end;
    if (run != runs_.end() && is_end) {
      run->second.end = event;
      return out;
    }
    if (run != runs_.end() && run->second.end) {
      out.push_back(*run->second.end);
      run->second.end.reset();
    }
    out.push_back(event);
    return out;
  }

 private:
  struct Run {
    std::size_t open = 0;
    std::optional<publish::RunEvent> end;
  };
  using Key = std::pair<std::string, std::uint64_t>;
  static Key key(const std::string& source, std::uint64_t run) { return {source, run}; }

  std::map<Key, Run> runs_;
};

}  // namespace flashphase::service
