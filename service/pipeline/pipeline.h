#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/frame/reconstruction.h"
#include "engine/infer/network.h"
#include "engine/refine/schedule.h"
#include "engine/refine/solver.h"
#include "service/ingest/source.h"
#include "service/monitor/lifecycle.h"
#include "service/monitor/log.h"
#include "service/monitor/metrics.h"
#include "service/pipeline/edges.h"
#include "service/pipeline/model_slot.h"
#include "service/pipeline/pipeline_config.h"
#include "service/pipeline/queue.h"
#include "service/pipeline/queued_sink.h"
#include "service/pipeline/refine_pool.h"
#include "service/pipeline/rejections.h"
#include "service/pipeline/run_ends.h"
#include "service/pipeline/stages.h"
#include "service/publish/sink.h"

namespace flashphase::service {

/// What the pipeline runs, made where the program is wired.
struct Stages {
  std::vector<std::unique_ptr<ingest::Source>> sources;  ///< a thread each
  std::unique_ptr<const Preparation> prepare;
  Networks networks;
  std::vector<std::unique_ptr<refine::Solver>> solvers;  ///< one per refine worker; none with the policy off
  refine::Schedule schedule;
  std::vector<std::shared_ptr<publish::Sink>> sinks;
};

/// The only place with worker threads. A frame goes
///
///     ingest ─► queue ─► select, preprocess ─► queue ─► batch, infer, score ─┬─► queue ─► publish
///               oldest dropped, or             blocks                        └─► queue ─► refine ─► (publish
///               blocks (Source::waits)                                           oldest dropped       queue)
///
/// so the one place where a live pipeline that is behind loses frames is the first queue, and publish sees
/// the inferred result of a frame before its refined one. Every frame received ends as published, rejected or
/// dropped in `metrics`.
///
/// Runs begin and end on the result stream too: in order with the frames where each stage has one worker, and
/// near it otherwise. The end comes after the last refined result.
class Pipeline {
 public:
  /// `metrics` has to outlive the pipeline. Throws std::invalid_argument when the stages do not fit each
  /// other.
  Pipeline(const PipelineConfig& config, Stages stages, Metrics& metrics,
           std::shared_ptr<spdlog::logger> logger);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  void start();

  /// Drains: takes what has arrived at the sources already (for a second at most), finishes what is inside in
  /// the order of the flow, says bye. Blocks until done: refinements that are not begun `refine_limit` from
  /// now are given up (counted), and so is what sinks with a queue have not begun with so long after all
  /// else. Idempotent. After a failure it only cleans up.
  void stop(std::chrono::seconds refine_limit = std::chrono::seconds(30));

  State state() const { return lifecycle_.state(); }
  /// Whether every source is at its end: what is inside is all there will be.
  bool exhausted() const { return sources_left_.load() == 0; }

  /// From its next batch on each worker runs these. Throws std::invalid_argument, and changes nothing, when
  /// they do not fit (ModelSlot::replace).
  void replace_model(Networks next);
  std::shared_ptr<const ModelSlot::Model> model() const { return models_.current(); }

  /// What keeps sources and sinks from their work, one sentence each that begins with the name.
  std::vector<std::string> problems() const;

  struct Failure {
    std::string sentence;
    bool device_lost = false;
  };
  /// Set when the state is failed.
  std::optional<Failure> failure() const;

  /// Frames waiting, per Edge.
  std::array<std::size_t, kEdges.size()> queued() const;
  /// Of the pixels of frames that wait for preprocess.
  std::size_t ingest_bytes() const;

 private:
  void check_viewers(const Networks& networks) const;
  void run_preprocess();
  void look_for_marks(const Frame& frame);
  void run_publish();
  void hand_over(Outgoing outgoing);
  void finish(const FrameId& id);  ///< no further result of an opened frame will come
  template <class Item>
  void give_to_sinks(const Item& item);  ///< counts what did not reach everybody

  void spawn(std::vector<std::thread>& group, const std::string& name, std::function<void()> work);
  void fail(const std::string& sentence, bool device_lost);
  std::optional<RefineLoss> refinement_given_up() const;
  void close_all();
  void drop_leftovers();

  const PipelineConfig config_;
  Stages stages_;
  std::vector<std::shared_ptr<QueuedSink>> queued_sinks_;  // those of stages_.sinks that have to wait
  ModelSlot models_;
  Metrics& metrics_;
  const std::shared_ptr<spdlog::logger> logger_;
  Lifecycle lifecycle_;
  Rejections rejections_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> sources_left_{0};
  RunEnds run_ends_;  // of the publish thread
  std::atomic<Clock::time_point> refine_until_{Clock::time_point::max()};

  Queue<Ingested> preprocess_queue_;
  Queue<ToInfer> infer_queue_;
  RefinePool refine_pool_;
  Queue<ToPublish> publish_queue_;

  std::vector<std::thread> ingest_threads_, preprocess_threads_, infer_threads_, refine_threads_,
      publish_thread_;
  mutable std::mutex failure_mutex_;
  std::optional<Failure> failure_;  // guarded by failure_mutex_
};

}  // namespace flashphase::service
