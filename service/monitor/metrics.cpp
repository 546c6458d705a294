#include "service/monitor/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <cmath>
#include <numeric>

#include "service/publish/encode.h"

namespace flashphase::service {

namespace {

using prometheus::Registry;

auto& counters(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

auto& gauges(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

auto& histograms(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

/// One member per label value, in the order of the values.
template <class T, std::size_t N>
void fill(std::array<T*, N>& members, prometheus::Family<T>& family, const char* label,
          const std::array<std::string_view, N>& values) {
  for (std::size_t i = 0; i < N; ++i) members[i] = &family.Add({{label, std::string(values[i])}});
}

std::vector<double> one_two_five(double first, int decades) {
  std::vector<double> bounds;
  for (int decade = 0; decade < decades; ++decade, first *= 10)
    for (const double step : {1.0, 2.0, 5.0}) bounds.push_back(first * step);
  return bounds;
}

/// Of a counter or a gauge.
template <class Metric>
std::uint64_t value(const Metric* metric) {
  return static_cast<std::uint64_t>(metric->Value());
}

constexpr std::array<std::string_view, 2> kResultStages{"inferred", "refined"};

}  // namespace

std::uint64_t Accounts::rejected_total() const {
  return std::accumulate(rejected.begin(), rejected.end(), std::uint64_t{0});
}

std::uint64_t Accounts::dropped_total() const {
  std::uint64_t total = 0;
  for (const auto& stage : dropped) total = std::accumulate(stage.begin(), stage.end(), total);
  return total;
}

std::int64_t Accounts::in_flight() const {
  return static_cast<std::int64_t>(received) -
         static_cast<std::int64_t>(published + rejected_total() + dropped_total());
}

Metrics::Metrics(Registry& registry, const std::vector<std::string>& sources) : registry_(registry) {
  auto& received = counters(registry, "flashphase_frames_received_total",
                            "Frames taken from a source, bad ones included.");
  auto& gaps =
      counters(registry, "flashphase_sequence_gaps_total", "Places where sequence numbers were skipped.");
  auto& missing = counters(registry, "flashphase_sequence_missing_frames_total", "Sequence numbers skipped.");
  auto& late =
      counters(registry, "flashphase_sequence_late_frames_total", "Frames that came after a later one.");
  auto& implausible = counters(registry, "flashphase_sequence_implausible_total",
                               "Numbers of frames, or of frames sent, that were not believed.");
  auto& run_open =
      gauges(registry, "flashphase_source_run_open", "1 between the begin of a run and its end.");
  auto& events = counters(registry, "flashphase_run_events_total",
                          "Begins and ends of runs, and those that are missing.");
  auto& peers = gauges(registry, "flashphase_source_peers", "Connections to senders of frames.");
  auto& disconnects =
      counters(registry, "flashphase_source_disconnects_total",
               "Connections that ended: the sender left, was silent, or sent too large a message.");
  for (const auto& source : sources) {
    SourceCounters& of = sources_.emplace_back();
    of.name = source;
    of.received = &received.Add({{"source", source}});
    of.gaps = &gaps.Add({{"source", source}});
    of.missing = &missing.Add({{"source", source}});
    of.late = &late.Add({{"source", source}});
    of.implausible = &implausible.Add({{"source", source}});
    of.run_open = &run_open.Add({{"source", source}});
    of.disconnects = &disconnects.Add({{"source", source}});
    of.peers = &peers.Add({{"source", source}});
    for (std::size_t i = 0; i < kRunEvents.size(); ++i)
      of.run_events[i] = &events.Add({{"source", source}, {"event", std::string(kRunEvents[i])}});
  }

  auto& rejected =
      counters(registry, "flashphase_frames_rejected_total", "Frames that cannot or need not be processed.");
  for (std::size_t i = 0; i < kRejectionCount; ++i)
    rejected_[i] = &rejected.Add({{"reason", std::string(rejection_name(static_cast<Rejection>(i)))}});
  auto& dropped =
      counters(registry, "flashphase_frames_dropped_total", "Good frames that left without a result.");
  for (std::size_t stage = 0; stage < kStageCount; ++stage)
    for (std::size_t reason = 0; reason < kDropReasons.size(); ++reason)
      if (static_cast<Stage>(stage) != Stage::refine)  // what is lost there is no frame
        dropped_[stage][reason] = &dropped.Add({{"stage", std::string(stage_name(static_cast<Stage>(stage)))},
                                                {"reason", std::string(kDropReasons[reason])}});
  auto& out_of_memory = counters(registry, "flashphase_device_out_of_memory_total",
                                 "Times that a GPU's memory did not do and work was cut smaller.");
  infer_out_of_memory_ = &out_of_memory.Add({{"stage", "infer"}});
  refine_out_of_memory_ = &out_of_memory.Add({{"stage", "refine"}});
  fill(refine_dropped_,
       counters(
           registry, "flashphase_refinements_dropped_total",
           "Refinements asked for that did not come to their end; the frame keeps the best result it had."),
       "reason", kRefineLosses);
  auto& outcomes = counters(registry, "flashphase_outcomes_total",
                            "Frames by why they got no more effort, with the policy until_explained.");
  for (std::size_t i = 0; i < kOutcomeCount; ++i)
    outcomes_[i] = &outcomes.Add({{"outcome", std::string(outcome_name(static_cast<Outcome>(i)))}});

  auto& published =
      counters(registry, "flashphase_frames_published_total", "Results handed over to the sinks.");
  auto& latency = histograms(registry, "flashphase_latency_seconds",
                             "From arrival of the frame's last byte to hand-over to the publisher's socket.");
  auto& residual = histograms(registry, "flashphase_residual", "Modulus chi^2 against the measured pixels.");
  auto& remarks =
      counters(registry, "flashphase_remarks_total", "Results against which something speaks, by what.");
  for (std::size_t i = 0; i < results_.size(); ++i) {
    const prometheus::Labels label{{"stage", std::string(kResultStages[i])}};
    results_[i] = {&published.Add(label),
                   &latency.Add(label, one_two_five(1e-4, 6)),
                   &residual.Add(label, one_two_five(1e-5, 5)),
                   {}};
    for (const Remark remark : kRemarks)
      results_[i].remarks[index_of(remark)] = &remarks.Add(
          {{"stage", std::string(kResultStages[i])}, {"remark", std::string(text_of(remark).name)}});
  }
  agreement_ = &histograms(registry, "flashphase_agreement",
                           "How far the better half of several starts of a refined frame agree, 0 to 1.")
                    .Add({}, prometheus::Histogram::BucketBoundaries{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8,
                                                                     0.9, 0.95, 0.99});
  unshifted_ =
      &counters(registry, "flashphase_unshifted_patterns_total",
                "Patterns inferred that are brightest about their corners: zero of Q seems to lie there.")
           .Add({});
  auto& stages =
      histograms(registry, "flashphase_stage_seconds", "Time of a frame in a stage, waiting included.");
  for (std::size_t i = 0; i < kStageCount; ++i)
    stage_seconds_[i] =
        &stages.Add({{"stage", std::string(stage_name(static_cast<Stage>(i)))}}, one_two_five(1e-6, 7));

  fill(queues_, gauges(registry, "flashphase_queue_frames", "Frames waiting for a stage."), "stage", kEdges);
  ingest_bytes_ =
      &gauges(registry, "flashphase_queue_bytes", "Bytes of pixels of frames waiting for a stage.")
           .Add({{"stage", "preprocess"}});
  std::array<std::string_view, kStateCount> states;
  for (std::size_t i = 0; i < kStateCount; ++i) states[i] = state_name(static_cast<State>(i));
  fill(states_, gauges(registry, "flashphase_state", "1 for the state the daemon is in."), "state", states);
  set_state(State::starting);
  subscriptions_gauge_ =
      &gauges(registry, "flashphase_publish_subscriptions", "Subscriptions to the result stream.").Add({});
  gauges(registry, "flashphase_build_info", "1, with the version as a label.")
      .Add({{"version", FLASHPHASE_VERSION}})
      .Set(1);
}

void Metrics::received(std::size_t source) {
  sources_[source].received->Increment();
  received_rate_.add(1, Clock::now());
}

void Metrics::rejected(Rejection reason) {
  rejected_[static_cast<std::size_t>(reason)]->Increment();
}

void Metrics::dropped(Stage stage, DropReason reason, std::size_t count) {
  if (count > 0)
    dropped_[static_cast<std::size_t>(stage)][static_cast<std::size_t>(reason)]->Increment(
        static_cast<double>(count));
}

void Metrics::sequence(std::size_t source, const ingest::LossTracker::Seen& seen) {
  missing(source, seen.missing);
  if (seen.late) sources_[source].late->Increment();
  if (seen.implausible) implausible(source);
  if (seen.restarted) run_event(source, RunEventKind::restarted);
  if (seen.missing_begin) run_event(source, RunEventKind::missing_begin);
}

void Metrics::missing(std::size_t source, std::uint64_t frames) {
  if (frames == 0) return;
  sources_[source].gaps->Increment();
  sources_[source].missing->Increment(static_cast<double>(frames));
}

void Metrics::implausible(std::size_t source) {
  sources_[source].implausible->Increment();
}

void Metrics::run_open(std::size_t source, bool open) {
  sources_[source].run_open->Set(open ? 1 : 0);
}

void Metrics::run_event(std::size_t source, RunEventKind kind) {
  sources_[source].run_events[static_cast<std::size_t>(kind)]->Increment();
}

void Metrics::peer(std::size_t source, bool connected) {
  sources_[source].peers->Increment(connected ? 1 : -1);
  if (!connected) sources_[source].disconnects->Increment();
}

Metrics::SourceStatus Metrics::source(std::size_t index) const {
  const SourceCounters& of = sources_[index];
  return {.name = of.name,
          .peers = static_cast<int>(of.peers->Value()),
          .run_open = of.run_open->Value() > 0,
          .received = value(of.received),
          .missing = value(of.missing),
          .late = value(of.late),
          .implausible = value(of.implausible),
          .disconnects = value(of.disconnects)};
}

int Metrics::peers() const {
  int peers = 0;
  for (std::size_t i = 0; i < sources_.size(); ++i) peers += source(i).peers;
  return peers;
}

void Metrics::published(const Reconstruction& result, Clock::time_point now) {
  const bool inferred = result.stage == ResultStage::inferred;
  const StageResults& of = results_[inferred ? 0 : 1];
  const double latency = publish::latency_seconds(result);
  of.published->Increment();
  if (result.outcome) outcomes_[static_cast<std::size_t>(*result.outcome)]->Increment();
  of.latency->Observe(latency);
  if (std::isfinite(result.residual)) of.residual->Observe(result.residual);
  for (const Remark remark : kRemarks)
    if (result.remarks.has(remark)) of.remarks[index_of(remark)]->Increment();
  if (!inferred) {
    if (result.agreement) agreement_->Observe(static_cast<double>(*result.agreement));
    stage_seconds_[static_cast<std::size_t>(Stage::refine)]->Observe(result.times[Stage::refine]);
    refined_rate_.add(1, now);
    return;
  }
  if (result.pattern->summary.unshifted) unshifted_->Increment();
  for (std::size_t i = 0; i < kStageCount; ++i)
    if (static_cast<Stage>(i) != Stage::refine) stage_seconds_[i]->Observe(result.times.seconds[i]);
  latency_.add(latency, now);
  residual_.add(result.residual, now);
  published_rate_.add(1, now);
}

std::uint64_t Metrics::remarked(Remark remark) const {
  return value(results_[0].remarks[index_of(remark)]);
}

void Metrics::sink_missed(std::size_t sink) {
  sink_missed_[sink]->Increment();
}

void Metrics::refine_lost(RefineLoss reason, std::size_t count) {
  refine_dropped_[static_cast<std::size_t>(reason)]->Increment(static_cast<double>(count));
}

void Metrics::out_of_memory(Stage stage, std::uint64_t count) {
  (stage == Stage::infer ? infer_out_of_memory_ : refine_out_of_memory_)
      ->Increment(static_cast<double>(count));
}

void Metrics::add_sink(const std::string& name) {
  sink_missed_.push_back(&counters(registry_, "flashphase_publish_dropped_total",
                                   "Results, run events and byes that met a consumer whose queue was full, "
                                   "and went to the others only.")
                              .Add({{"sink", name}}));
}

void Metrics::subscriptions_changed(int change) {
  subscriptions_.fetch_add(change, std::memory_order_relaxed);
  subscriptions_gauge_->Increment(change);
}

void Metrics::set_model(const ModelInfo& model, const std::string& precision) {
  auto& models = gauges(registry_, "flashphase_model_info", "1, with the model as labels.");
  if (model_ != nullptr) models.Remove(model_);
  model_ = &models.Add({{"name", model.name}, {"hash", model.hash}, {"precision", precision}});
  model_->Set(1);
}

void Metrics::set_queue(Edge edge, std::size_t frames) {
  queues_[static_cast<std::size_t>(edge)]->Set(static_cast<double>(frames));
}

void Metrics::set_ingest_bytes(std::size_t bytes) {
  ingest_bytes_->Set(static_cast<double>(bytes));
}

void Metrics::set_state(State state) {
  for (std::size_t i = 0; i < kStateCount; ++i) states_[i]->Set(static_cast<State>(i) == state ? 1 : 0);
}

Accounts Metrics::accounts() const {
  Accounts now;  // ends before beginnings: a frame that passes meanwhile is in flight, never counted twice
  now.refined = value(results_[1].published);
  for (std::size_t i = 0; i < kRefineLosses.size(); ++i) now.refine_dropped[i] = value(refine_dropped_[i]);
  for (std::size_t i = 0; i < kOutcomeCount; ++i) now.outcomes[i] = value(outcomes_[i]);
  now.published = value(results_[0].published);
  for (std::size_t i = 0; i < kRejectionCount; ++i) now.rejected[i] = value(rejected_[i]);
  for (std::size_t stage = 0; stage < kStageCount; ++stage)
    for (std::size_t reason = 0; reason < kDropReasons.size(); ++reason)
      if (dropped_[stage][reason] != nullptr) now.dropped[stage][reason] = value(dropped_[stage][reason]);
  for (const SourceCounters& source : sources_) now.received += value(source.received);
  return now;
}

}  // namespace flashphase::service
