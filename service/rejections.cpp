#include "service/rejections.h"

#include <spdlog/spdlog.h>

namespace flashphase::service {

void Rejections::add(Rejection reason, const FrameId* id) {
  metrics_.rejected(reason);
  if (reason == Rejection::not_a_hit) return;
  const auto held_back = throttle_.ask(reason, Clock::now());
  if (!held_back) return;
  if (id != nullptr)
    logger_.warn("event=rejected reason={} source={} run={} sequence={} held_back={}", rejection_name(reason),
                 quoted(id->source), id->run, id->sequence, *held_back);
  else
    logger_.warn("event=rejected reason={} held_back={}", rejection_name(reason), *held_back);
}

}  // namespace flashphase::service
