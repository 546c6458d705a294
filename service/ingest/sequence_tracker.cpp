#include "service/ingest/sequence_tracker.h"

#include <algorithm>
#include <utility>

namespace flashphase::ingest {

namespace {

bool is_far(std::uint64_t a, std::uint64_t b) {
  return std::max(a, b) - std::min(a, b) > SequenceTracker::kWindow;
}

}  // namespace

void SequenceTracker::Run::set_seen(std::uint64_t n, bool value) {
  const std::uint64_t bit = std::uint64_t{1} << (n % 64);
  auto& word = seen[n % kWindow / 64];
  word = value ? word | bit : word & ~bit;
}

void SequenceTracker::Run::start_at(std::uint64_t n) {
  counting = true;
  joined = n;
  received = missing = 0;
  move_to(n);
}

/// The next number is `n`, and none before it is known or missed.
void SequenceTracker::Run::move_to(std::uint64_t n) {
  seen.assign(kWindow / 64, 0);
  first = next = n;
}

void SequenceTracker::Run::skip_to(std::uint64_t n) {
  missing += n - next;
  if (n - next >= kWindow)
    std::fill(seen.begin(), seen.end(), std::uint64_t{0});
  else
    for (std::uint64_t skipped = next; skipped < n; ++skipped) set_seen(skipped, false);
  next = n;
}

void SequenceTracker::Run::place(std::uint64_t n, Seen& result) {
  if (n >= next) {
    result.missing += n - next;
    skip_to(n);
    next = n + 1;
  } else if (is_seen(n)) {
    result.duplicate = true;
    return;
  } else if (n >= first) {
    result.late = true;
    --missing;
  }
  set_seen(n, true);
}

/// How many of `frames` are neither received nor counted as missing yet; they are from now on.
std::uint64_t SequenceTracker::Run::settle(std::uint64_t frames, bool& implausible) {
  implausible = frames > kLongestRun;
  if (!counting && open) start_at(0);
  if (implausible || !counting || frames <= joined || frames - joined <= received + missing) return 0;
  const std::uint64_t left = frames - joined - received - missing;
  skip_to(next + left);
  return left;
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
  const std::uint64_t n = id.sequence;
  if (run.begun_again && n < run.next) run.start_at(0);
  if (!run.counting) run.start_at(run.open ? 0 : n);

  const auto stray = std::exchange(run.stray, std::nullopt);
  if (is_far(n, run.next)) {
    if (!stray || n == *stray || is_far(n, *stray)) {
      run.stray = n;
      result.duplicate = n == stray;
      result.implausible = !result.duplicate;
      if (result.implausible) ++run.received;
      return result;
    }
    result.restarted = true;
    run.move_to(std::min(n, *stray));
    run.joined = std::min(run.joined, run.first);
    run.place(*stray, result);
  }
  run.begun_again = false;
  run.place(n, result);
  if (!result.duplicate) ++run.received;
  return result;
}

SequenceTracker::Begun SequenceTracker::begin(const RunBegin& begin) {
  bool made = false;
  Run& run = find(begin.source, begin.run, made);
  run.begun_again = run.open && run.counting;
  run.counting = run.begun_again;
  if (!run.counting) run.received = run.missing = 0;
  run.stray.reset();
  run.expected = begin.expected_frames;

  Begun result;
  for (Run& other : runs_) {
    if (other.source != begin.source || !other.open) continue;
    result.missing_end = true;
    if (&other == &run) continue;
    bool implausible = false;
    result.missing += other.settle(other.expected, implausible);
    result.implausible |= implausible;
    other.open = false;
  }
  run.open = true;
  return result;
}

SequenceTracker::Ended SequenceTracker::end(const RunEnd& end) {
  bool made = false;
  Run& run = find(end.source, end.run, made);
  Ended result{.missing_begin = !run.open, .expected_frames = run.expected};
  result.missing = run.settle(end.sent_frames > 0 ? end.sent_frames : run.expected, result.implausible);
  result.received_frames = run.received;
  result.missing_frames = run.missing;
  run.open = false;
  return result;
}

bool SequenceTracker::open() const {
  return std::ranges::any_of(runs_, &Run::open);
}

}  // namespace flashphase::ingest
