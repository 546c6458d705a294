#include "tools/shared/result_receiver.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <zmq.hpp>

#include "engine/frame/frame.h"
#include "proto/endpoint.h"
#include "proto/reconstruction.pb.h"
#include "tools/shared/program.h"

namespace flashphase::tools {
namespace {

constexpr int kHighWaterMark = 100'000;
constexpr std::chrono::milliseconds kPoll{100};
// A machine that vanishes says nothing; ZMTP heartbeats would also end the connection of a slow reader.
constexpr int kKeepaliveIdleSeconds = 10, kKeepaliveSeconds = 5, kKeepaliveCount = 3;
constexpr const char* kEvents = "inproc://connection";

}  // namespace

struct ResultReceiver::Impl {
  zmq::context_t context;
  zmq::socket_t socket{context, zmq::socket_type::sub};
  zmq::socket_t events{context, zmq::socket_type::pair};
  v1::ResultMessage message;
  Publisher publisher = Publisher::not_met;

  void watch_connection() {
    if (zmq_socket_monitor(socket.handle(), kEvents,
                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) != 0)
      throw zmq::error_t();
    events.set(zmq::sockopt::rcvhwm, 0);  // libzmq's thread would wait for room
    events.connect(kEvents);
  }

  void look_at_connection() {
    zmq::message_t event, address;
    while (events.recv(event, zmq::recv_flags::dontwait)) {
      (void)events.recv(address);
      std::uint16_t kind = 0;
      std::memcpy(&kind, event.data(), sizeof kind);
      if (kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        publisher = Publisher::here;
      else if (publisher == Publisher::here)
        publisher = Publisher::gone;
    }
  }

  /// The last part of the next message; false when there is none now.
  bool receive_body(zmq::message_t& body) {
    if (!socket.recv(body, zmq::recv_flags::dontwait)) return false;
    while (body.more()) (void)socket.recv(body);
    return true;
  }

  const v1::ResultMessage* next() {
    zmq::message_t body;
    while (receive_body(body))
      if (message.ParseFromArray(body.data(), static_cast<int>(body.size()))) return &message;
    return nullptr;
  }
};

ResultReceiver::ResultReceiver(const std::string& endpoint) : impl_(std::make_unique<Impl>()) {
  impl_->socket.set(zmq::sockopt::rcvhwm, kHighWaterMark);
  impl_->socket.set(zmq::sockopt::linger, 0);
  impl_->socket.set(zmq::sockopt::tcp_keepalive, 1);
  impl_->socket.set(zmq::sockopt::tcp_keepalive_idle, kKeepaliveIdleSeconds);
  impl_->socket.set(zmq::sockopt::tcp_keepalive_intvl, kKeepaliveSeconds);
  impl_->socket.set(zmq::sockopt::tcp_keepalive_cnt, kKeepaliveCount);
  impl_->socket.set(zmq::sockopt::subscribe, "");
  impl_->watch_connection();
  open_endpoint(impl_->socket.handle(), endpoint, EndpointUse::connect);
}

ResultReceiver::~ResultReceiver() = default;

const v1::ResultMessage* ResultReceiver::receive(std::chrono::milliseconds timeout) {
  const Clock::time_point deadline = Clock::now() + timeout;
  do {
    if (const auto* message = impl_->next()) return message;
    zmq::pollitem_t item{impl_->socket.handle(), 0, ZMQ_POLLIN, 0};
    try {
      zmq::poll(&item, 1, std::min(kPoll, timeout));
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
  } while (!stop_requested() && Clock::now() < deadline);
  impl_->look_at_connection();
  return impl_->next();  // what came before the connection ended
}

Publisher ResultReceiver::publisher() const {
  return impl_->publisher;
}

}  // namespace flashphase::tools
