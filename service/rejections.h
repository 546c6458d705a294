#pragma once

#include "engine/frame/frame.h"
#include "engine/frame/rejection.h"
#include "service/log.h"
#include "service/metrics.h"

namespace flashphase::service {

/// Counts frames that are not taken and writes them to the log, not more than a line per reason and second.
/// Thread-safe. Metrics and logger have to outlive it.
class Rejections {
 public:
  Rejections(Metrics& metrics, spdlog::logger& logger) : metrics_(metrics), logger_(logger) {}

  /// `id`: where the frame is known. A frame without a hit is counted alone.
  void add(Rejection reason, const FrameId* id = nullptr);

 private:
  Metrics& metrics_;
  spdlog::logger& logger_;
  RejectionThrottle throttle_;
};

}  // namespace flashphase::service
