#pragma once

#include <string>
#include <string_view>

#include "service/publish/sink.h"

namespace flashphase::publish {

/// The topic of a result: "inferred" or "refined".
std::string_view topic_of(const Reconstruction& result);

/// ResultMessage (proto/reconstruction.proto), serialised into `out`, whose memory is used again.
/// Thread-safe.
void encode(const Reconstruction& result, std::string& out);
void encode(const RunEvent& event, std::string& out);
void encode(const Bye& bye, std::string& out);

/// From arrival of the frame's last byte to its hand-over, seconds: what its stages add up to.
float latency_seconds(const Reconstruction& result);

/// One bit per pixel, least significant first.
void pack_support(const std::vector<std::uint8_t>& support, std::string& bits);

}  // namespace flashphase::publish
