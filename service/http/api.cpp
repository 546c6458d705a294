#include "service/http/api.h"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <limits>
#include <ranges>
#include <stdexcept>
#include <utility>

#include "engine/frame/remarks.h"
#include "proto/json.h"
#include "service/http/base64.h"
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

JsonObject json_of_quantiles(const service::Quantiles::Summary& summary, double scale) {
  JsonObject json;
  json.add("p50", summary.p50 * scale).add("p90", summary.p90 * scale);
  json.add("p99", summary.p99 * scale).add("max", summary.max * scale);
  return json;
}

/// {"word": count, ...}
template <class Words, class Counts>
JsonObject json_of_counts(const Words& words, const Counts& counts) {
  JsonObject json;
  for (std::size_t i = 0; i < counts.size(); ++i) json.add(words[i], counts[i]);
  return json;
}

void add_accounts(JsonObject& json, const Accounts& accounts) {
  JsonObject rejected, dropped;
  for (std::size_t i = 0; i < kRejectionCount; ++i)
    rejected.add(rejection_name(static_cast<Rejection>(i)), accounts.rejected[i]);
  for (std::size_t i = 0; i < kStageCount; ++i) {
    if (static_cast<Stage>(i) == Stage::refine) continue;
    dropped.add(stage_name(static_cast<Stage>(i)),
                json_of_counts(service::kDropReasons, accounts.dropped[i]));
  }
  json.add("accounted", accounts.accounted());
  json.add("received", accounts.received).add("published", accounts.published);
  json.add("rejected", rejected).add("dropped", dropped);
  json.add("in_flight", accounts.in_flight()).add("refined", accounts.refined);
  json.add("refine_dropped", json_of_counts(service::kRefineLosses, accounts.refine_dropped));
  JsonObject outcomes;
  for (std::size_t i = 0; i < kOutcomeCount; ++i)
    outcomes.add(outcome_name(static_cast<Outcome>(i)), accounts.outcomes[i]);
  json.add("outcomes", outcomes);
}

/// Why more than half of the patterns are out of domain; empty where they are not.
std::string hint_of(const service::Metrics& metrics) {
  const std::uint64_t published = metrics.accounts().published;
  for (const Remark remark : kRemarks | std::views::take(index_of(Remark::overfitted)))
    if (const std::uint64_t count = metrics.remarked(remark); 2 * count > published)
      return std::to_string(count) + " of " + std::to_string(published) +
             " patterns: " + std::string(text_of(remark).words);
  return "";
}

/// {"name": {...}, ...}
JsonObject json_of_sources(const service::Metrics& metrics) {
  JsonObject json;
  for (std::size_t i = 0; i < metrics.sources(); ++i) {
    const auto source = metrics.source(i);
    JsonObject one;
    one.add("peers", source.peers).add("disconnects", source.disconnects);
    one.add("run_open", source.run_open).add("received", source.received);
    one.add("missing", source.missing).add("late", source.late).add("implausible", source.implausible);
    json.add(source.name, one);
  }
  return json;
}

JsonObject json_of_image(const Reconstruction& result) {
  JsonObject json, stages, remarks;
  for (std::size_t i = 0; i < kStageCount; ++i)
    stages.add(stage_name(static_cast<Stage>(i)), 1e3 * static_cast<double>(result.times.seconds[i]));
  json.add("size", result.size).add("residual", static_cast<double>(result.residual));
  json.add("noise_residual", static_cast<double>(result.noise_residual));
  if (result.agreement) json.add("agreement", static_cast<double>(*result.agreement));
  json.add("in_domain", result.remarks.in_domain()).add("model", result.model ? result.model->name : "");
  for (const Remark remark : kRemarks)
    if (result.remarks.has(remark)) remarks.add(text_of(remark).name, text_of(remark).words);
  json.add("remarks", remarks);
  json.add("latency_milliseconds", 1e3 * static_cast<double>(publish::latency_seconds(result)));
  json.add("iterations", result.iterations).add("schedule", result.schedule);
  if (result.explained) json.add("explained", *result.explained);
  if (result.outcome) json.add("outcome", outcome_name(*result.outcome));
  if (result.round > 0) json.add("round", result.round);
  json.add("stage_milliseconds", stages);
  json.add("amplitude", base64_of(result.amplitude)).add("phase", base64_of(result.phase));
  json.add("support", base64_of(result.support));
  return json;
}

/// Intensity with NaN where nothing was measured.
JsonObject json_of_pattern(const Pattern& pattern) {
  std::vector<float> intensity = pattern.intensity;
  for (std::size_t i = 0; i < intensity.size(); ++i)
    if (pattern.measured[i] == 0) intensity[i] = std::numeric_limits<float>::quiet_NaN();
  JsonObject json;
  json.add("source", pattern.id.source).add_id("run", pattern.id.run);
  json.add_id("train", pattern.id.train)
      .add_id("pulse", pattern.id.pulse)
      .add_id("sequence", pattern.id.sequence);
  json.add("hit_score", static_cast<double>(pattern.hit_score)).add("size", pattern.size);
  json.add("intensity", base64_of(intensity));
  return json;
}

}  // namespace

Api::Api(Watched watched) : watched_(std::move(watched)), started_(Clock::now()) {}

Response Api::operator()(const Request& request) const {
  const std::string_view target = request.target;
  if (request.post)
    return target == "/api/v1/model" ? change_model(request) : Response{404, "text/plain", "no such page\n"};
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
  const auto running = watched_.pipeline.model();
  JsonObject json, model;
  model.add("name", running->info->name).add("hash", running->info->hash);
  model.add("precision", running->precision).add("changes", running->generation);
  json.add("state", service::state_name(watched_.pipeline.state()));
  add_accounts(json, metrics.accounts());
  json.add("received_per_second", metrics.received_per_second(now));
  json.add("frames_per_second", metrics.published_per_second(now));
  json.add("refined_per_second", metrics.refined_per_second(now));
  json.add("latency_milliseconds", json_of_quantiles(metrics.latency(), 1e3));
  json.add("residual", json_of_quantiles(metrics.residual(), 1));
  json.add("queued", json_of_counts(service::kEdges, queued));
  json.add("queued_bytes", watched_.pipeline.ingest_bytes());
  json.add("sources", json_of_sources(metrics)).add("model", model);
  json.add("peers", metrics.peers()).add("subscriptions", metrics.subscriptions());
  json.add("uptime_seconds", seconds_between<double>(started_, now));
  json.add("version", FLASHPHASE_VERSION).add("config_hash", watched_.config_hash);
  if (const std::string hint = hint_of(metrics); !hint.empty()) json.add("hint", hint);
  if (const auto problems = watched_.pipeline.problems(); !problems.empty())
    json.add("problem", problems.front());
  if (const auto failure = watched_.pipeline.failure()) json.add("failure", failure->sentence);
  return json.text();
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
  if (const auto problems = watched_.pipeline.problems(); !problems.empty())
    return {503, "text/plain", name + ": " + problems.front() + "\n"};
  return {200, "text/plain", name + "\n"};
}

/// A page of another site in a browser of this machine cannot send application/json without being asked
/// first.
Response Api::change_model(const Request& request) const {
  const auto refuse = [](int status, const std::string& why) {
    return Response{status, "text/plain", why + "\n"};
  };
  if (!request.from_loopback) return refuse(403, "the model is changed from this machine alone");
  if (!request.content_type.starts_with("application/json"))
    return refuse(415, "has to come as application/json, {\"model\": PATH}");
  std::string path;
  try {
    const YAML::Node body = YAML::Load(std::string(request.body));  // of which JSON is a part
    if (!body.IsMap() || body.size() != 1 || !body["model"]) throw std::invalid_argument("not that");
    path = body["model"].as<std::string>();
  } catch (const std::exception&) {
    return refuse(400, "the body has to be {\"model\": PATH}, the absolute path of a model file or none");
  }
  try {
    watched_.replace_model(path);
  } catch (const std::exception& error) {
    return refuse(409, error.what());
  }
  const auto running = watched_.pipeline.model();
  JsonObject json;
  json.add("name", running->info->name).add("hash", running->info->hash).add("precision", running->precision);
  return {200, "application/json", json.text()};
}

Response Api::latest(std::string_view query) const {
  constexpr std::string_view kAfter = "after=";
  std::uint64_t after = 0;
  if (query.starts_with(kAfter))
    std::from_chars(query.data() + kAfter.size(), query.data() + query.size(), after);
  const auto latest = watched_.live_view.latest();
  if (latest.number == after || !latest.inferred) return {204, "application/json", ""};
  JsonObject json;
  json.add("number", latest.number);
  json.add("pattern", json_of_pattern(*latest.inferred->pattern))
      .add("inferred", json_of_image(*latest.inferred));
  if (latest.refined) {
    JsonObject refined;
    refined.add("pattern", json_of_pattern(*latest.refined->pattern))
        .add("image", json_of_image(*latest.refined));
    json.add("refined", refined);
  }
  return {200, "application/json", json.text()};
}

}  // namespace flashphase::http
