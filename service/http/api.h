#pragma once

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

/// What the pages and programs that watch the daemon may ask (all GET):
///
///     /                the viewer
///     /api/v1/status   the accounts, rates, latency and state, JSON (deploy/README.md)
///     /api/v1/latest   the newest result with its pattern, JSON; ?after=N: 204 while there is none newer
///     than number N /metrics         Prometheus text /livez           200 while the process answers /readyz
///     200 in ready and running, else 503; 503 too while a run is open and no sender of its source connected
///
/// All references have to outlive it. Thread: one; it only looks, so it never holds up a frame.
class Api {
 public:
  struct Watched {
    const service::Pipeline& pipeline;
    service::Metrics& metrics;
    const publish::LiveView& live_view;
    const prometheus::Registry& registry;
    ModelInfo model;
    std::string precision;
    std::string config_hash;
  };
  explicit Api(Watched watched);

  Response operator()(std::string_view target) const;

  /// The status document; also what the daemon logs when it stops.
  std::string status() const;

 private:
  Response metrics() const;
  Response ready() const;
  Response latest(std::string_view query) const;

  Watched watched_;
  Clock::time_point started_;
};

}  // namespace flashphase::http
