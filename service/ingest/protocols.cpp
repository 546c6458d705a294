#include "service/ingest/protocols.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

#include "proto/endpoint.h"
#include "service/ingest/native_source.h"

namespace flashphase::ingest {

namespace {

template <class OverZmq>
std::unique_ptr<Source> open(zmq::context_t& context, const SourceConfig& config) {
  return std::make_unique<OverZmq>(context, config);
}

std::optional<std::string> zmq_problem(const std::string& endpoint, bool bind) {
  return endpoint_problem(endpoint, bind ? EndpointUse::bind : EndpointUse::connect);
}

constexpr std::array kProtocols{
    Protocol{"native", zmq_problem, open<NativeSource>},
};

}  // namespace

std::span<const Protocol> protocols() {
  return kProtocols;
}

std::unique_ptr<Source> open_source(zmq::context_t& context, const SourceConfig& config) {
  const auto found = std::ranges::find(kProtocols, config.protocol, &Protocol::name);
  if (found == kProtocols.end())
    throw std::runtime_error("protocol: there is none called \"" + config.protocol + "\"");
  return found->open(context, config);
}

}  // namespace flashphase::ingest
