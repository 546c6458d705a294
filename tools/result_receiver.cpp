#include "tools/result_receiver.h"

#include <algorithm>
#include <cerrno>
#include <zmq.hpp>

#include "engine/frame/frame.h"
#include "proto/endpoint.h"
#include "proto/reconstruction.pb.h"
#include "tools/program.h"

namespace flashphase::tools {
namespace {

constexpr int kHighWaterMark = 100'000;
constexpr std::chrono::milliseconds kPoll{100};

}  // namespace

struct ResultReceiver::Impl {
  zmq::context_t context;
  zmq::socket_t socket{context, zmq::socket_type::sub};
  v1::ResultMessage message;

  /// The last part of the next message; false when there is none now.
  bool receive_body(zmq::message_t& body) {
    if (!socket.recv(body, zmq::recv_flags::dontwait)) return false;
    while (body.more()) (void)socket.recv(body);
    return true;
  }
};

ResultReceiver::ResultReceiver(const std::string& endpoint) : impl_(std::make_unique<Impl>()) {
  impl_->socket.set(zmq::sockopt::rcvhwm, kHighWaterMark);
  impl_->socket.set(zmq::sockopt::linger, 0);
  impl_->socket.set(zmq::sockopt::subscribe, "");
  open_endpoint(impl_->socket.handle(), endpoint, EndpointUse::connect);
}

ResultReceiver::~ResultReceiver() = default;

const v1::ResultMessage* ResultReceiver::receive(std::chrono::milliseconds timeout) {
  const Clock::time_point deadline = Clock::now() + timeout;
  zmq::message_t body;
  do {
    while (impl_->receive_body(body))
      if (impl_->message.ParseFromArray(body.data(), static_cast<int>(body.size()))) return &impl_->message;
    zmq::pollitem_t item{impl_->socket.handle(), 0, ZMQ_POLLIN, 0};
    try {
      zmq::poll(&item, 1, std::min(kPoll, timeout));
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
  } while (!stop_requested() && Clock::now() < deadline);
  return nullptr;
}

}  // namespace flashphase::tools
