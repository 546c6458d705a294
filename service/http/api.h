#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/infer/network.h"
#include "service/http/server.h"
#include "service/monitor/metrics.h"
#include "service/pipeline/pipeline.h"
#include "service/publish/live_view.h"

namespace prometheus {
class Registry;
}

namespace flashphase::http {

/// What the pages and programs that watch the daemon may ask, by GET:
///
///     /                the viewer
///     /api/v1/status   the accounts, rates, latency and state, JSON (deploy/README.md)
///     /api/v1/latest   the newest result with its pattern, JSON; ?after=N: 204 while there is none newer
///     than number N /metrics         Prometheus text /livez           200 while the process answers /readyz
///     200 in ready and running, else 503; 503 too while a run is open and no sender of its source connected,
///     and while a source or a sink has a problem
///
/// and by POST, of this machine alone, as application/json:
///
///     /api/v1/model    {"model": PATH}: from the next batches on that model, once it is loaded and warm
///     (200); 409 and one sentence when it cannot be had, and all is as before
///
/// All references have to outlive it. A GET only looks, so it never holds up a frame.
class Api {
 public:
  struct Watched {
    const service::Pipeline& pipeline;
    service::Metrics& metrics;
    const publish::LiveView& live_view;
    const prometheus::Registry& registry;
    std::string config_hash;
    /// Puts a model into the pipeline, or throws with one sentence and changes nothing.
    std::function<void(const std::string& path)> replace_model;
  };
  explicit Api(Watched watched);

  Response operator()(const Request& request) const;

  /// The status document; also what the daemon logs when it stops.
  std::string status() const;

 private:
  Response metrics() const;
  Response ready() const;
  Response latest(std::string_view query) const;
  Response change_model(const Request& request) const;

  Watched watched_;
  Clock::time_point started_;
};

}  // namespace flashphase::http
