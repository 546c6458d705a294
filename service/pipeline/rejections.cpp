#include "service/pipeline/rejections.h"

#include <spdlog/spdlog.h>

namespace flashphase::service {

void Rejections::add(Rejection reason, const FrameId* id, const std::string& detail) {
  if (reason != Rejection::not_a_hit) {
    const std::string where = id == nullptr ? ""
                                            : fmt::format(" source={} run={} sequence={}", quoted(id->source),
                                                          id->run, id->sequence);
    logger_.warn("event=rejected reason={}{}{}", rejection_name(reason), where,
                 detail.empty() ? "" : " detail=" + quoted(detail));
  }
  metrics_.rejected(reason);
}

}  // namespace flashphase::service
