#include "service/publish/protocols.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "proto/endpoint.h"
#include "service/publish/zmq_publisher.h"

namespace flashphase::publish {

namespace {

std::shared_ptr<Sink> open_zeromq(const SinkContext& context, const SinkConfig& config) {
  auto publisher = std::make_shared<ZmqPublisher>(context.zmq, config);
  publisher->on_subscription(context.on_subscription);
  return publisher;
}

std::optional<std::string> zmq_problem(const std::string& endpoint) {
  return endpoint_problem(endpoint, EndpointUse::bind);
}

constexpr std::array kProtocols{
    Protocol{"zeromq", zmq_problem, open_zeromq},
};

}  // namespace

std::span<const Protocol> protocols() {
  return kProtocols;
}

std::shared_ptr<Sink> open_sink(const SinkContext& context, const SinkConfig& config) {
  const auto found = std::ranges::find(kProtocols, config.protocol, &Protocol::name);
  if (found == kProtocols.end())
    throw std::runtime_error("protocol: there is none called \"" + config.protocol + "\"");
  return found->open(context, config);
}

}  // namespace flashphase::publish
