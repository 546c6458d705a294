#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/frame/reconstruction.h"
#include "engine/frame/rejection.h"
#include "engine/frame/stage.h"
#include "engine/infer/network.h"
#include "service/ingest/loss_tracker.h"
#include "service/monitor/lifecycle.h"
#include "service/monitor/quantiles.h"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
}  // namespace prometheus

namespace flashphase::service {

/// Why a good frame left without a result.
enum class DropReason { queue_full, failed };
inline constexpr std::array<std::string_view, 2> kDropReasons{"queue_full", "failed"};

/// Why a refinement that was asked for did not come; the frame keeps its inferred result.
enum class RefineLoss { queue_full, unsolvable, shutdown, failed };
inline constexpr std::array<std::string_view, 4> kRefineLosses{"queue_full", "unsolvable", "shutdown",
                                                               "failed"};

/// The queues between the threads, by the stage that takes from them.
enum class Edge { preprocess, infer, refine, publish };
inline constexpr std::array<std::string_view, 4> kEdges{"preprocess", "infer", "refine", "publish"};

enum class RunEventKind { begin, end, missing_begin, missing_end, restarted };
inline constexpr std::array<std::string_view, 5> kRunEvents{"begin", "end", "missing_begin", "missing_end",
                                                            "restarted"};

/// Where every frame went.
struct Accounts {
  std::uint64_t received = 0;
  std::uint64_t published = 0;  ///< inferred results
  std::uint64_t refined = 0;    ///< refined results, beside the inferred one of the same frame
  std::array<std::uint64_t, kRejectionCount> rejected{};
  std::array<std::array<std::uint64_t, kDropReasons.size()>, kStageCount> dropped{};
  std::array<std::uint64_t, kRefineLosses.size()> refine_dropped{};
  std::array<std::uint64_t, kOutcomeCount> outcomes{};  ///< of frames, where they are refined until explained

  std::uint64_t rejected_total() const;
  std::uint64_t dropped_total() const;
  /// Received and not yet published, rejected or dropped. Negative: something was counted twice.
  std::int64_t in_flight() const;
  bool accounted() const { return in_flight() == 0; }
};

/// All instruments of the daemon, each label value there from the start (at zero). The names are a contract;
/// they stand in deploy/README.md. Thread-safe; counting takes no lock and looks up no label. `registry` has
/// to outlive it.
class Metrics {
 public:
  Metrics(prometheus::Registry& registry, const std::vector<std::string>& sources);
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void received(std::size_t source);
  void rejected(Rejection reason);
  void dropped(Stage stage, DropReason reason, std::size_t count = 1);  ///< any stage but refine
  void sequence(std::size_t source, const ingest::LossTracker::Seen& seen);
  void missing(std::size_t source, std::uint64_t frames);  ///< one gap, where there are any
  void implausible(std::size_t source);
  void run_open(std::size_t source, bool open);
  void run_event(std::size_t source, RunEventKind kind);
  void peer(std::size_t source, bool connected);

  /// A result handed over to the sinks: counts it, its stages, its latency and its residual.
  void published(const Reconstruction& result, Clock::time_point now);
  void sink_missed(std::size_t sink);
  void refine_lost(RefineLoss reason, std::size_t count = 1);
  void out_of_memory(Stage stage, std::uint64_t count);  ///< infer or refine

  void add_sink(const std::string& name);  ///< index = order of the calls; before the first sink_missed()
  void subscriptions_changed(int change);
  void set_model(const ModelInfo& model, const std::string& precision);  ///< in the place of the one before
  void set_queue(Edge edge, std::size_t frames);
  void set_ingest_bytes(std::size_t bytes);  ///< of the frames that wait for preprocess
  void set_state(State state);

  Accounts accounts() const;
  Quantiles::Summary latency() const { return latency_.summary(); }    ///< seconds, inferred results
  Quantiles::Summary residual() const { return residual_.summary(); }  ///< inferred results
  double received_per_second(Clock::time_point now) const { return received_rate_.per_second(now); }
  double published_per_second(Clock::time_point now) const { return published_rate_.per_second(now); }
  double refined_per_second(Clock::time_point now) const { return refined_rate_.per_second(now); }

  /// What a source has been through so far.
  struct SourceStatus {
    std::string_view name;
    int peers = 0;
    bool run_open = false;  ///< between a begin and its end
    std::uint64_t received = 0, missing = 0, late = 0, implausible = 0, disconnects = 0;
  };
  std::size_t sources() const { return sources_.size(); }
  SourceStatus source(std::size_t index) const;
  int peers() const;                            ///< connections of all sources
  std::uint64_t remarked(Remark remark) const;  ///< inferred results
  int subscriptions() const { return subscriptions_.load(std::memory_order_relaxed); }

 private:
  struct SourceCounters {
    std::string name;
    prometheus::Counter *received, *gaps, *missing, *late, *implausible, *disconnects;
    prometheus::Gauge *peers, *run_open;
    std::array<prometheus::Counter*, kRunEvents.size()> run_events;
  };
  struct StageResults {
    prometheus::Counter* published;
    prometheus::Histogram *latency, *residual;
    std::array<prometheus::Counter*, kRemarkCount> remarks;
  };

  prometheus::Registry& registry_;
  std::vector<SourceCounters> sources_;
  std::array<prometheus::Counter*, kRejectionCount> rejected_{};
  std::array<std::array<prometheus::Counter*, kDropReasons.size()>, kStageCount> dropped_{};
  std::array<prometheus::Counter*, kRefineLosses.size()> refine_dropped_{};
  std::array<prometheus::Counter*, kOutcomeCount> outcomes_{};
  std::array<StageResults, 2> results_{};
  prometheus::Histogram* agreement_ = nullptr;
  prometheus::Counter* unshifted_ = nullptr;
  prometheus::Counter *infer_out_of_memory_ = nullptr, *refine_out_of_memory_ = nullptr;
  std::array<prometheus::Histogram*, kStageCount> stage_seconds_{};
  std::array<prometheus::Gauge*, kEdges.size()> queues_{};
  std::array<prometheus::Gauge*, kStateCount> states_{};
  std::vector<prometheus::Counter*> sink_missed_;
  prometheus::Gauge* model_ = nullptr;
  prometheus::Gauge *subscriptions_gauge_ = nullptr, *ingest_bytes_ = nullptr;
  std::atomic<int> subscriptions_{0};
  Quantiles latency_, residual_;
  Rate received_rate_, published_rate_, refined_rate_;
};

}  // namespace flashphase::service
