#include "service/http/api.h"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <charconv>
#include <limits>
#include <utility>

#include "service/http/json.h"
#include "service/http/viewer_files.h"
#include "service/publish/encode.h"

namespace flashphase::http {

namespace {

using service::Accounts;

constexpr std::string_view kHtml = "text/html; charset=utf-8";

template <class T>
std::string base64_of(const std::vector<T>& values) {
  return base64(std::as_bytes(std::span(values)));
}

void write_quantiles(JsonWriter& json, const service::Quantiles::Summary& summary, double scale) {
  json.begin_object();
  json.member("p50", summary.p50 * scale).member("p90", summary.p90 * scale);
  json.member("p99", summary.p99 * scale).member("max", summary.max * scale);
  json.end_object();
}

/// {"word": count, ...}
template <class Words, class Counts>
void write_counts(JsonWriter& json, const Words& words, const Counts& counts) {
  json.begin_object();
  for (std::size_t i = 0; i < counts.size(); ++i) json.member(words[i], counts[i]);
  json.end_object();
}

void write_accounts(JsonWriter& json, const Accounts& accounts) {
  json.member("accounted", accounts.accounted());
  json.member("received", accounts.received).member("published", accounts.published);
  json.key("rejected").begin_object();
  for (std::size_t i = 0; i < kRejectionCount; ++i)
    json.member(rejection_name(static_cast<Rejection>(i)), accounts.rejected[i]);
  json.end_object().key("dropped").begin_object();
  for (std::size_t i = 0; i < kStageCount; ++i) {
    if (static_cast<Stage>(i) == Stage::refine) continue;
    json.key(stage_name(static_cast<Stage>(i)));
    write_counts(json, service::kDropReasons, accounts.dropped[i]);
  }
  json.end_object();
  json.member("in_flight", accounts.in_flight()).member("refined", accounts.refined);
  json.key("refine_dropped");
  write_counts(json, service::kRefineLosses, accounts.refine_dropped);
}

/// {"name": {...}, ...}
void write_sources(JsonWriter& json, const service::Metrics& metrics) {
  json.begin_object();
  for (std::size_t i = 0; i < metrics.sources(); ++i) {
    const auto source = metrics.source(i);
    json.key(source.name).begin_object();
    json.member("peers", source.peers).member("disconnects", source.disconnects);
    json.member("run_open", source.run_open).member("received", source.received);
    json.member("missing", source.missing).member("late", source.late);
    json.member("implausible", source.implausible).end_object();
  }
  json.end_object();
}

void write_image(JsonWriter& json, const Reconstruction& result) {
  json.begin_object();
  json.member("size", result.size).member("residual", static_cast<double>(result.residual));
  json.member("noise_residual", static_cast<double>(result.noise_residual));
  if (result.agreement) json.member("agreement", static_cast<double>(*result.agreement));
  json.member("in_domain", result.in_domain).member("model", std::string_view(result.model_name));
  json.member("latency_milliseconds", 1e3 * static_cast<double>(publish::latency_seconds(result)));
  json.member("iterations", result.iterations).member("schedule", std::string_view(result.schedule));
  json.key("stage_milliseconds").begin_object();
  for (std::size_t i = 0; i < kStageCount; ++i)
    json.member(stage_name(static_cast<Stage>(i)), 1e3 * static_cast<double>(result.times.seconds[i]));
  json.end_object();
  json.member("amplitude", std::string_view(base64_of(result.amplitude)));
  json.member("phase", std::string_view(base64_of(result.phase)));
  json.member("support", std::string_view(base64_of(result.support)));
  json.end_object();
}

/// Intensity with NaN where nothing was measured.
void write_pattern(JsonWriter& json, const Pattern& pattern) {
  std::vector<float> intensity = pattern.intensity;
  for (std::size_t i = 0; i < intensity.size(); ++i)
    if (pattern.measured[i] == 0) intensity[i] = std::numeric_limits<float>::quiet_NaN();
  json.begin_object();
  json.member("source", std::string_view(pattern.id.source)).id("run", pattern.id.run);
  json.id("train", pattern.id.train).id("pulse", pattern.id.pulse).id("sequence", pattern.id.sequence);
  json.member("hit_score", static_cast<double>(pattern.hit_score)).member("size", pattern.size);
  json.member("intensity", std::string_view(base64_of(intensity)));
  json.end_object();
}

}  // namespace

Api::Api(Watched watched) : watched_(std::move(watched)), started_(Clock::now()) {}

Response Api::operator()(std::string_view target) const {
  const auto question = target.find('?');
  const std::string_view path = target.substr(0, question);
  const std::string_view query = question == std::string_view::npos ? "" : target.substr(question + 1);
  if (path == "/") return {200, std::string(kHtml), kViewerHtml};
  if (path == "/viewer.js") return {200, "text/javascript; charset=utf-8", kViewerJs};
  if (path == "/viewer.css") return {200, "text/css; charset=utf-8", kViewerCss};
  if (path == "/api/v1/status") return {200, "application/json", status()};
  if (path == "/api/v1/latest") return latest(query);
  if (path == "/metrics") return metrics();
  if (path == "/livez") return {200, "text/plain", "ok\n"};
  if (path == "/readyz") return ready();
  return {404, "text/plain", "no such page\n"};
}

std::string Api::status() const {
  const auto now = Clock::now();
  const auto& metrics = watched_.metrics;
  const auto queued = watched_.pipeline.queued();
  JsonWriter json;
  json.begin_object();
  json.member("state", service::state_name(watched_.pipeline.state()));
  write_accounts(json, metrics.accounts());
  json.member("received_per_second", metrics.received_per_second(now));
  json.member("frames_per_second", metrics.published_per_second(now));
  json.member("refined_per_second", metrics.refined_per_second(now));
  json.key("latency_milliseconds");
  write_quantiles(json, metrics.latency(), 1e3);
  json.key("residual");
  write_quantiles(json, metrics.residual(), 1);
  json.key("queued");
  write_counts(json, service::kEdges,
               std::array<std::uint64_t, 4>{queued[0], queued[1], queued[2], queued[3]});
  json.member("queued_bytes", std::uint64_t{watched_.pipeline.ingest_bytes()});
  json.key("sources");
  write_sources(json, metrics);
  json.key("model").begin_object();
  json.member("name", std::string_view(watched_.model.name))
      .member("hash", std::string_view(watched_.model.hash));
  json.member("precision", std::string_view(watched_.precision));
  json.end_object();
  json.member("peers", metrics.peers()).member("subscriptions", metrics.subscriptions());
  json.member("uptime_seconds", std::chrono::duration<double>(now - started_).count());
  json.member("version", FLASHPHASE_VERSION).member("config_hash", std::string_view(watched_.config_hash));
  if (const std::uint64_t count = metrics.unshifted(); 2 * count > metrics.accounts().published)
    json.member("hint", std::to_string(count) +
                            " patterns are brightest in their corners: zero of Q belongs in the middle "
                            "(numpy.fft.fftshift before sending)");
  if (const auto failure = watched_.pipeline.failure())
    json.member("failure", std::string_view(failure->sentence));
  json.end_object();
  return json.take();
}

Response Api::metrics() const {
  const auto queued = watched_.pipeline.queued();
  for (std::size_t i = 0; i < queued.size(); ++i)
    watched_.metrics.set_queue(static_cast<service::Edge>(i), queued[i]);
  watched_.metrics.set_ingest_bytes(watched_.pipeline.ingest_bytes());
  watched_.metrics.set_state(watched_.pipeline.state());
  return {200, "text/plain; version=0.0.4; charset=utf-8",
          prometheus::TextSerializer().Serialize(watched_.registry.Collect())};
}

Response Api::ready() const {
  const auto state = watched_.pipeline.state();
  const std::string name(service::state_name(state));
  if (state != service::State::ready && state != service::State::running)
    return {503, "text/plain", name + "\n"};
  for (std::size_t i = 0; i < watched_.metrics.sources(); ++i)
    if (const auto source = watched_.metrics.source(i); source.run_open && source.peers == 0)
      return {503, "text/plain",
              name + ": no sender is connected to source \"" + std::string(source.name) +
                  "\" while its run is open\n"};
  return {200, "text/plain", name + "\n"};
}

Response Api::latest(std::string_view query) const {
  constexpr std::string_view kAfter = "after=";
  std::uint64_t after = 0;
  if (query.starts_with(kAfter))
    std::from_chars(query.data() + kAfter.size(), query.data() + query.size(), after);
  const auto latest = watched_.live_view.latest();
  if (latest.number == after || !latest.inferred) return {204, "application/json", ""};
  JsonWriter json;
  json.begin_object();
  json.member("number", latest.number).key("pattern");
  write_pattern(json, *latest.inferred->pattern);
  json.key("inferred");
  write_image(json, *latest.inferred);
  if (latest.refined) {
    json.key("refined").begin_object().key("pattern");
    write_pattern(json, *latest.refined->pattern);
    json.key("image");
    write_image(json, *latest.refined);
    json.end_object();
  }
  json.end_object();
  return {200, "application/json", json.take()};
}

}  // namespace flashphase::http
