#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "service/ingest/source.h"
#include "service/monitor/lifecycle.h"
#include "service/monitor/log.h"
#include "service/pipeline/edges.h"
#include "service/pipeline/queue.h"
#include "service/pipeline/rejections.h"

namespace flashphase::service {

/// ingest: takes from a source, counts what is missing or double, passes frames and words of runs on to
/// preprocess. Thread: one, which run() keeps.
class IngestWorker {
 public:
  /// `index`: of the source in the metrics. All references have to outlive it.
  IngestWorker(ingest::Source& source, std::size_t index, Lifecycle& lifecycle, Metrics& metrics,
               Rejections& rejections, Queue<Ingested>& to, Queue<ToPublish>& publish,
               spdlog::logger& logger);

  /// Until the source is at its end, the pipeline has failed, or `stopping` and the source has nothing more,
  /// within a second.
  void run(const std::atomic<bool>& stopping);

 private:
  void take(Frame& frame);
  void take(const ingest::RunBegin& begin);
  void take(const ingest::RunEnd& end);
  void take(const ingest::Rejected& rejected);
  void take(const ingest::Missing& missing);
  void take(const ingest::PeerChange& change);
  void take(const ingest::Problem& problem);
  void take(const ingest::SourceEnd&);
  void pass_on(Ingested item);

  ingest::Source& source_;
  const std::size_t index_;
  Lifecycle& lifecycle_;
  Metrics& metrics_;
  Rejections& rejections_;
  Queue<Ingested>& to_;
  Queue<ToPublish>& publish_;
  spdlog::logger& logger_;
  const std::unique_ptr<ingest::LossTracker> tracker_;
  const WhenFull when_full_;
  bool ended_ = false;
  InHand in_hand_;
};

}  // namespace flashphase::service
