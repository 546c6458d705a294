#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <variant>
#include <vector>

#include "engine/frame/frame.h"
#include "engine/frame/reconstruction.h"
#include "service/monitor/metrics.h"
#include "service/pipeline/stages.h"
#include "service/publish/sink.h"

/// What travels between the pipeline's threads, and how a worker keeps count of it.
namespace flashphase::service {

using Ingested = std::variant<Frame, publish::RunEvent>;
using ToInfer = std::variant<Prepared, publish::RunEvent>;
/// A result on its way to the sinks.
struct Outgoing {
  std::unique_ptr<Reconstruction> result;
  bool last = true;  ///< of its frame
};
/// Final: of a frame whose refinement was lost.
using ToPublish = std::variant<Outgoing, publish::Final, publish::RunEvent>;

/// What an item between ingest and preprocess holds of memory, as far as it counts.
inline std::size_t bytes_of(const Ingested& item) {
  const auto* frame = std::get_if<Frame>(&item);
  return frame == nullptr ? 0 : frame->pixels.bytes();
}

/// A begin or an end of a run keeps its place among the frames.
template <class Item>
bool is_run_event(const Item& item) {
  return std::holds_alternative<publish::RunEvent>(item);
}

/// How many of the items are of the kind T.
template <class T, class Item>
std::size_t count_of(const std::vector<Item>& items) {
  return static_cast<std::size_t>(
      std::ranges::count_if(items, [](const Item& item) { return std::holds_alternative<T>(item); }));
}

/// What a worker has taken and not yet passed on. What an exception leaves in its hand is lost: frames as
/// dropped in `stage`, with Stage::refine refinements.
class InHand {
 public:
  InHand(Metrics& metrics, Stage stage) : metrics_(metrics), stage_(stage) {}
  ~InHand() {
    if (stage_ == Stage::refine)
      metrics_.refine_lost(RefineLoss::failed, count_);
    else
      metrics_.dropped(stage_, DropReason::failed, count_);
  }
  InHand(const InHand&) = delete;
  InHand& operator=(const InHand&) = delete;
  void take(std::size_t count = 1) { count_ += count; }
  void pass_on(std::size_t count = 1) { count_ -= count; }

 private:
  Metrics& metrics_;
  const Stage stage_;
  std::size_t count_ = 0;
};

}  // namespace flashphase::service
