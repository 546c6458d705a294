#include "service/pipeline/ingest_worker.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace flashphase::service {

namespace {

/// How often it looks whether it shall stop while nothing comes.
constexpr std::chrono::milliseconds kWake{50};
/// For how long a source that is to close still gives what has arrived already.
constexpr std::chrono::seconds kLastFrames{1};

}  // namespace

IngestWorker::IngestWorker(ingest::Source& source, std::size_t index, Lifecycle& lifecycle, Metrics& metrics,
                           Rejections& rejections, Queue<Ingested>& to, Queue<ToPublish>& publish,
                           spdlog::logger& logger)
    : source_(source),
      index_(index),
      lifecycle_(lifecycle),
      metrics_(metrics),
      rejections_(rejections),
      to_(to),
      publish_(publish),
      logger_(logger),
      tracker_(source.make_tracker()),
      when_full_(source.waits() ? WhenFull::block : WhenFull::drop_oldest),
      in_hand_(metrics, Stage::ingest) {}

void IngestWorker::run(const std::atomic<bool>& stopping) {
  auto until = Clock::time_point::max();
  while (!ended_ && Clock::now() < until && lifecycle_.state() != State::failed) {
    auto item = source_.next(Clock::now() + kWake);
    if (stopping.load(std::memory_order_relaxed)) {
      if (!item) return;
      until = std::min(until, Clock::now() + kLastFrames);
    }
    if (!item) continue;
    const bool from_sender = !std::holds_alternative<ingest::PeerChange>(*item) &&
                             !std::holds_alternative<ingest::Problem>(*item) &&
                             !std::holds_alternative<ingest::SourceEnd>(*item);
    if (from_sender && lifecycle_.state() == State::ready) lifecycle_.apply(Event::frame);
    std::visit([this](auto& what) { take(what); }, *item);
  }
}

void IngestWorker::take(Frame& frame) {
  metrics_.received(index_);
  in_hand_.take();
  const auto seen = tracker_->frame(frame.id);
  metrics_.sequence(index_, seen);
  if (seen.duplicate)
    rejections_.add(Rejection::duplicate, &frame.id);
  else
    pass_on(std::move(frame));
  in_hand_.pass_on();
}

void IngestWorker::take(const ingest::RunBegin& begin) {
  metrics_.run_event(index_, RunEventKind::begin);
  const auto begun = tracker_->begin(begin);
  if (begun.missing_end) metrics_.run_event(index_, RunEventKind::missing_end);
  if (begun.implausible) metrics_.implausible(index_);
  metrics_.missing(index_, begun.missing);
  metrics_.run_open(index_, tracker_->open());
  logger_.info("event=run_begin source={} run={} expected_frames={}", quoted(begin.source), begin.run,
               begin.expected_frames);
  pass_on(publish::RunEvent{.kind = publish::RunEvent::Kind::begin,
                            .source = begin.source,
                            .run = begin.run,
                            .expected_frames = begin.expected_frames});
}

void IngestWorker::take(const ingest::RunEnd& end) {
  metrics_.run_event(index_, RunEventKind::end);
  const auto ended = tracker_->end(end);
  if (ended.missing_begin) metrics_.run_event(index_, RunEventKind::missing_begin);
  if (ended.implausible) metrics_.implausible(index_);
  metrics_.missing(index_, ended.missing);
  metrics_.run_open(index_, tracker_->open());
  logger_.info("event=run_end source={} run={} sent_frames={} received_frames={} missing_frames={}",
               quoted(end.source), end.run, end.sent_frames, ended.received_frames, ended.missing_frames);
  pass_on(publish::RunEvent{.kind = publish::RunEvent::Kind::end,
                            .source = end.source,
                            .run = end.run,
                            .expected_frames = ended.expected_frames,
                            .received_frames = ended.received_frames,
                            .sent_frames = end.sent_frames,
                            .missing_frames = ended.missing_frames});
}

void IngestWorker::take(const ingest::Rejected& rejected) {
  metrics_.received(index_);
  in_hand_.take();
  if (rejected.id) metrics_.sequence(index_, tracker_->frame(*rejected.id));  // it came: no gap
  rejections_.add(rejected.reason, rejected.id ? &*rejected.id : nullptr, rejected.detail);
  in_hand_.pass_on();
}

void IngestWorker::take(const ingest::Missing& missing) {
  metrics_.missing(index_, missing.count);
  tracker_->missed(missing.count);
}

void IngestWorker::take(const ingest::PeerChange& change) {
  metrics_.peer(index_, change.connected);
  logger_.info("event={} source={} peers={}", change.connected ? "connected" : "disconnected",
               quoted(source_.name()), metrics_.peers());
}

void IngestWorker::take(const ingest::Problem& problem) {
  logger_.warn("event=source_problem source={} problem={}", quoted(source_.name()), quoted(problem.sentence));
}

void IngestWorker::take(const ingest::SourceEnd&) {
  ended_ = true;
  logger_.info("event=source_end source={}", quoted(source_.name()));
}

void IngestWorker::pass_on(Ingested item) {
  std::vector<Ingested> lost = to_.push(std::move(item), when_full_);
  metrics_.dropped(Stage::ingest, to_.closed() ? DropReason::failed : DropReason::queue_full,
                   count_of<Frame>(lost));
  for (Ingested& one : lost)  // the word of a begin or an end overtakes rather than gets lost
    if (auto* event = std::get_if<publish::RunEvent>(&one)) (void)publish_.push(std::move(*event));
}

}  // namespace flashphase::service
