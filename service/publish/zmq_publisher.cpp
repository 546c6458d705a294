#include "service/publish/zmq_publisher.h"

#include <spdlog/fmt/fmt.h>

#include <array>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>
#include <string_view>
#include <zmq.hpp>

#include "proto/endpoint.h"
#include "service/publish/encode.h"

namespace flashphase::publish {

namespace {

/// Largest message that a subscriber may send, bytes: a topic has at most 8, its greeting may bring a routing
/// id of 255. libzmq keeps a node for every byte of a topic.
constexpr std::int64_t kLargestCommand = 512;
/// Most commands of subscribers taken in at once, and most that libzmq keeps of one of them.
constexpr int kFewCommands = 64;

/// Who subscribes to what. libzmq tells of every command it gets, also of one that changes nothing, and says
/// neither whose subscriptions ended with a connection nor which they were; so they are kept here by
/// connection, which is its file descriptor.
class Subscribers {
 public:
  Subscribers(zmq::context_t& context, zmq::socket_t& publisher)
      : publisher_(publisher), events_(context, ZMQ_PAIR) {
    const std::string address = fmt::format("inproc://flashphase-subscribers-{}", publisher.handle());
    if (zmq_socket_monitor(publisher.handle(), address.c_str(),
                           ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED) != 0)
      throw zmq::error_t();
    events_.set(zmq::sockopt::linger, 0);
    events_.set(zmq::sockopt::rcvhwm, 0);  // libzmq's thread would wait for room
    events_.connect(address);
  }
  ~Subscribers() { zmq_socket_monitor(publisher_.handle(), nullptr, 0); }
  Subscribers(const Subscribers&) = delete;
  Subscribers& operator=(const Subscribers&) = delete;

  /// Takes in who came and went; returns how the number of subscriptions changed, as take() does. To be
  /// called between receiving a command and taking it, lest it goes to an older connection of that number.
  int look() {
    int change = 0;
    zmq::message_t event, address;
    while (events_.recv(event, zmq::recv_flags::dontwait)) {
      (void)events_.recv(address);
      const auto [kind, connection] = decode(event);
      if (const auto ended = topics_.extract(connection)) change -= static_cast<int>(ended.mapped().size());
      if (kind == ZMQ_EVENT_ACCEPTED) topics_[connection];
    }
    return change;
  }

  int take(zmq::message_t& command) {
    const auto found = topics_.find(zmq_msg_get(command.handle(), ZMQ_SRCFD));
    const std::string_view text = command.to_string_view();
    if (found == topics_.end() || text.empty()) return 0;
    const std::string topic(text.substr(1));
    if (text[0] == 1) return found->second.insert(topic).second ? 1 : 0;
    return text[0] == 0 ? -static_cast<int>(found->second.erase(topic)) : 0;
  }

 private:
  struct Event {
    std::uint16_t kind = 0;
    std::int32_t connection = -1;
  };
  static Event decode(const zmq::message_t& message) {
    Event event;
    if (message.size() < sizeof event.kind + sizeof event.connection) return event;
    const auto* bytes = static_cast<const char*>(message.data());
    std::memcpy(&event.kind, bytes, sizeof event.kind);
    std::memcpy(&event.connection, bytes + sizeof event.kind, sizeof event.connection);
    return event;
  }

  zmq::socket_t& publisher_;
  zmq::socket_t events_;
  std::map<int, std::set<std::string>> topics_;
};

}  // namespace

struct ZmqPublisher::Impl {
  std::string name;
  zmq::socket_t socket;
  Subscribers subscribers;
  std::string body;
  std::function<void(int)> subscription_changed = [](int) {};

  explicit Impl(zmq::context_t& context)
      : socket(context, zmq::socket_type::xpub), subscribers(context, socket) {}

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

  void tell(int change) {
    if (change != 0) subscription_changed(change);
  }
};

ZmqPublisher::ZmqPublisher(zmq::context_t& context, const SinkConfig& config)
    : impl_(std::make_unique<Impl>(context)) {
  impl_->name = config.name;
  zmq::socket_t& socket = impl_->socket;
  socket.set(zmq::sockopt::sndhwm, config.high_water_mark);
  socket.set(zmq::sockopt::rcvhwm, kFewCommands);
  socket.set(zmq::sockopt::maxmsgsize, kLargestCommand);
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

bool ZmqPublisher::take(const RunEvent& event) {
  encode(event, impl_->body);
  return impl_->send("run");
}

bool ZmqPublisher::take(const Bye& bye) {
  encode(bye, impl_->body);
  return impl_->send("bye");
}

void ZmqPublisher::tend() {
  zmq::message_t command;
  for (int i = 0; i < kFewCommands && impl_->socket.recv(command, zmq::recv_flags::dontwait); ++i) {
    impl_->tell(impl_->subscribers.look());
    impl_->tell(impl_->subscribers.take(command));
  }
  impl_->tell(impl_->subscribers.look());
}

void ZmqPublisher::on_subscription(std::function<void(int)> callback) {
  impl_->subscription_changed = std::move(callback);
}

std::string ZmqPublisher::endpoint() const {
  return impl_->socket.get(zmq::sockopt::last_endpoint);
}

}  // namespace flashphase::publish
