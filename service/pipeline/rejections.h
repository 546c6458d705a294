#pragma once

#include <string>

#include "engine/frame/frame.h"
#include "engine/frame/rejection.h"
#include "service/monitor/log.h"
#include "service/monitor/metrics.h"

namespace flashphase::service {

/// Counts frames that are not taken and writes them to the log, which bounds the lines of each reason.
/// Thread-safe. Metrics and logger have to outlive it.
class Rejections {
 public:
  Rejections(Metrics& metrics, spdlog::logger& logger) : metrics_(metrics), logger_(logger) {}

  /// `id`: where the frame is known. `detail`: what the reason does not say. A frame without a hit is counted
  /// alone. Counts last: what throws (memory) has counted nothing.
  void add(Rejection reason, const FrameId* id = nullptr, const std::string& detail = {});

 private:
  Metrics& metrics_;
  spdlog::logger& logger_;
};

}  // namespace flashphase::service
