#include "service/ingest/sequence_tracker.h"

#include <algorithm>
#include <utility>

namespace flashphase::ingest {

void SequenceTracker::Run::set_seen(std::uint64_t n, bool value) {
  const std::uint64_t bit = std::uint64_t{1} << (n % 64);
  auto& word = seen[n % kWindow / 64];
  word = value ? word | bit : word & ~bit;
}

void SequenceTracker::Run::start_at(std::uint64_t n) {
  seen.assign(kWindow / 64, 0);
  counting = true;
  first = next = n;
  received = 0;
}

void SequenceTracker::Run::advance_to(std::uint64_t n) {
  if (n - next >= kWindow)
    std::fill(seen.begin(), seen.end(), std::uint64_t{0});
  else
    for (; next < n; ++next) set_seen(next, false);
  set_seen(n, true);
  next = n + 1;
}

SequenceTracker::Run& SequenceTracker::find(const std::string& source, std::uint64_t run, bool& made) {
  const auto same = [&](const Run& other) { return other.run == run && other.source == source; };
  const auto found = std::find_if(runs_.begin(), runs_.end(), same);
  made = found == runs_.end();
  if (!made) {
    runs_.splice(runs_.begin(), runs_, found);
  } else {
    if (runs_.size() == kRuns) runs_.pop_back();
    runs_.emplace_front().source = source;
    runs_.front().run = run;
  }
  return runs_.front();
}

SequenceTracker::Seen SequenceTracker::frame(const FrameId& id) {
  Seen result;
  Run& run = find(id.source, id.run, result.missing_begin);
  if (std::exchange(run.begun_again, false) && id.sequence < run.next) run.start_at(0);
  if (!run.counting) run.start_at(run.open ? 0 : id.sequence);
  if (id.sequence < run.next && run.next - id.sequence > kWindow) {
    result.restarted = true;
    run.start_at(id.sequence);
  }
  if (id.sequence >= run.next) {
    result.missing = id.sequence - run.next;
    run.advance_to(id.sequence);
  } else if (run.is_seen(id.sequence)) {
    result.duplicate = true;
    return result;
  } else {
    result.late = id.sequence >= run.first;
    run.set_seen(id.sequence, true);
  }
  ++run.received;
  return result;
}

bool SequenceTracker::begin(const RunBegin& begin) {
  bool made = false;
  Run& run = find(begin.source, begin.run, made);
  run.begun_again = run.open && run.counting;
  run.counting = run.begun_again;
  if (!run.counting) run.received = 0;
  run.expected = begin.expected_frames;

  bool still_open = false;
  for (Run& other : runs_)
    if (other.source == begin.source && std::exchange(other.open, false)) still_open = true;
  run.open = true;
  return still_open;
}

SequenceTracker::Ended SequenceTracker::end(const RunEnd& end) {
  bool made = false;
  Run& run = find(end.source, end.run, made);
  const Ended result{
      .missing_begin = !run.open, .expected_frames = run.expected, .received_frames = run.received};
  run.open = false;
  return result;
}

}  // namespace flashphase::ingest
