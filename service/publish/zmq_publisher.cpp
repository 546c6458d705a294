#include "service/publish/zmq_publisher.h"

#include <stdexcept>
#include <string_view>
#include <zmq.hpp>

#include "proto/endpoint.h"
#include "service/publish/encode.h"

namespace flashphase::publish {

struct ZmqPublisher::Impl {
  std::string name = "zeromq";
  zmq::socket_t socket;
  std::string body;
  std::function<void(int)> subscription_changed = [](int) {};

  explicit Impl(zmq::context_t& context) : socket(context, zmq::socket_type::xpub) {}

  bool send_parts(std::string_view topic) {
    using zmq::send_flags;
    return socket.send(zmq::buffer(topic), send_flags::sndmore | send_flags::dontwait) &&
           socket.send(zmq::buffer(body), send_flags::dontwait);
  }

  bool send(std::string_view topic) {
    if (send_parts(topic)) return true;
    (void)socket.get(
        zmq::sockopt::events);  // takes in at once what subscribers have read, which send() does now and then
    if (send_parts(topic)) return true;
    socket.set(zmq::sockopt::xpub_nodrop, false);
    send_parts(topic);
    socket.set(zmq::sockopt::xpub_nodrop, true);
    return false;
  }
};

ZmqPublisher::ZmqPublisher(zmq::context_t& context, const ZmqPublisherConfig& config)
    : impl_(std::make_unique<Impl>(context)) {
  zmq::socket_t& socket = impl_->socket;
  socket.set(zmq::sockopt::sndhwm, config.high_water_mark);
  socket.set(zmq::sockopt::linger, 1000);
  socket.set(zmq::sockopt::xpub_verboser, true);  // each subscription is heard of, not each new topic only
  socket.set(zmq::sockopt::xpub_nodrop, true);
  try {
    open_endpoint(socket.handle(), config.endpoint, EndpointUse::bind);
  } catch (const std::exception& error) {
    throw std::runtime_error(std::string("endpoint: ") + error.what());
  }
}

ZmqPublisher::~ZmqPublisher() = default;

const std::string& ZmqPublisher::name() const {
  return impl_->name;
}

bool ZmqPublisher::take(const std::shared_ptr<const Reconstruction>& result) {
  encode(*result, impl_->body);
  return impl_->send(topic_of(*result));
}

void ZmqPublisher::take(const RunEvent& event) {
  encode(event, impl_->body);
  impl_->send("run");
}

void ZmqPublisher::take(const Bye& bye) {
  encode(bye, impl_->body);
  impl_->send("bye");
}

void ZmqPublisher::tend() {
  zmq::message_t message;
  while (impl_->socket.recv(message, zmq::recv_flags::dontwait)) {
    if (message.size() == 0) continue;
    const auto kind = *static_cast<const unsigned char*>(message.data());
    if (kind <= 1) impl_->subscription_changed(kind == 1 ? 1 : -1);
  }
}

void ZmqPublisher::on_subscription(std::function<void(int)> callback) {
  impl_->subscription_changed = std::move(callback);
}

std::string ZmqPublisher::endpoint() const {
  return impl_->socket.get(zmq::sockopt::last_endpoint);
}

}  // namespace flashphase::publish
