#include "service/ingest/native_source.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <zmq.hpp>

#include "engine/device/range.h"
#include "proto/endpoint.h"
#include "service/ingest/native.h"
#include "service/ingest/sequence_tracker.h"

namespace flashphase::ingest {

namespace {

/// A message of the native stream has two parts at most; one more is kept to see that there are too many.
constexpr std::size_t kMostParts = 3;
/// How long after the end of a connection it is clear that ZeroMQ does not make it again by itself (it says
/// so at once when it does), and how often a peer is tried that is no good.
constexpr std::chrono::seconds kGivenUp{1};

/// The high-water mark of the socket, messages per connection: few, as what waits belongs into the pipeline's
/// queue, which counts bytes; more only where so many of the largest fit. It never changes: libzmq tells the
/// other side of a connection what was read by the mark that held then, and with another one it may wait for
/// ever.
int receive_mark(const Limits& limits) {
  constexpr std::size_t kFew = 4;
  return std::min(limits.high_water_mark,
                  static_cast<int>(std::clamp<std::size_t>(limits.queue_bytes / limits.max_message_bytes,
                                                           kFew, 1'000'000)));
}

/// While a source waits libzmq does not read its connections, answers to heartbeats neither: it would end
/// them and lose what they hold. TCP asks by itself.
void notice_vanished_peers(zmq::socket_t& socket, int milliseconds, bool waits) {
  constexpr int kMissed = 3;
  if (milliseconds <= 0) return;
  if (!waits) {
    socket.set(zmq::sockopt::heartbeat_ivl, milliseconds);
    socket.set(zmq::sockopt::heartbeat_timeout, kMissed * milliseconds);
    return;
  }
  const int seconds = (milliseconds + 999) / 1000;
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, seconds);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, seconds);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, kMissed);
}

void configure(zmq::socket_t& socket, const SourceConfig& config) {
  socket.set(zmq::sockopt::rcvhwm, receive_mark(config.limits));
  socket.set(zmq::sockopt::maxmsgsize,
             static_cast<std::int64_t>(NativeSource::kMostOver * config.limits.max_message_bytes));
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::reconnect_ivl, 100);
  socket.set(zmq::sockopt::reconnect_ivl_max, 5000);
  notice_vanished_peers(socket, static_cast<int>(config.zmq.heartbeat.count()), config.waits);
  if (!config.zmq.pull) socket.set(zmq::sockopt::subscribe, "");
}

/// Hears from libzmq of the connections of a socket.
class PeerMonitor {
 public:
  PeerMonitor(zmq::context_t& context, zmq::socket_t& watched)
      : watched_(watched), events_(context, ZMQ_PAIR) {
    const std::string address = fmt::format("inproc://flashphase-peers-{}", watched.handle());
    if (zmq_socket_monitor(watched.handle(), address.c_str(),
                           ZMQ_EVENT_CONNECTED | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED |
                               ZMQ_EVENT_CONNECT_RETRIED) != 0)
      throw zmq::error_t();
    events_.set(zmq::sockopt::linger, 0);
    events_.set(zmq::sockopt::rcvhwm, 0);  // libzmq's thread would wait for room
    events_.connect(address);
  }
  ~PeerMonitor() { zmq_socket_monitor(watched_.handle(), nullptr, 0); }
  PeerMonitor(const PeerMonitor&) = delete;
  PeerMonitor& operator=(const PeerMonitor&) = delete;

  /// ZMQ_EVENT_...
  std::optional<int> next() {
    zmq::message_t event, address;
    if (!events_.recv(event, zmq::recv_flags::dontwait)) return std::nullopt;
    (void)events_.recv(address);
    std::uint16_t kind = 0;
    if (event.size() >= sizeof kind) std::memcpy(&kind, event.data(), sizeof kind);
    return kind;
  }

  void* handle() { return events_.handle(); }

 private:
  zmq::socket_t& watched_;
  zmq::socket_t events_;
};

}  // namespace

struct NativeSource::Impl {
  SourceConfig config;
  NativeLimits limits;
  zmq::socket_t socket;
  PeerMonitor monitor;
  unsigned until_peers = 0;  ///< messages until connections are looked at even though messages keep coming
  int peers = 0;
  mutable std::mutex problem_mutex;
  std::optional<std::string> problem;                     ///< guarded by problem_mutex
  Clock::time_point given_up = Clock::time_point::max();  ///< when to connect again, as ZeroMQ will not

  Impl(zmq::context_t& context, SourceConfig given)
      : config(std::move(given)),
        limits{.max_bytes = config.limits.max_message_bytes, .default_source = config.name},
        socket(context, config.zmq.pull ? zmq::socket_type::pull : zmq::socket_type::sub),
        monitor(context, socket) {}

  void open() {
    open_endpoint(socket.handle(), config.endpoint,
                  config.zmq.bind ? EndpointUse::bind : EndpointUse::connect);
  }

  bool receive(zmq::message_t& message) {
    return socket.recv(message, zmq::recv_flags::dontwait).has_value();
  }

  /// Whether something came before the deadline.
  bool wait(Clock::time_point deadline) {
    deadline = std::min(deadline, given_up);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    std::array<zmq::pollitem_t, 2> items{
        {{socket.handle(), 0, ZMQ_POLLIN, 0}, {monitor.handle(), 0, ZMQ_POLLIN, 0}}};
    try {
      return zmq::poll(items, std::max(left, std::chrono::milliseconds(0))) > 0;
    } catch (const zmq::error_t& error) {
      if (error.num() == EINTR) return false;
      throw;
    }
  }

  /// The message that begins with `first`, to an item.
  Item decode(std::shared_ptr<zmq::message_t> first) {
    const Range range(Stage::ingest);
    std::array<Part, kMostParts> parts;
    std::size_t count = 0;
    for (auto message = std::move(first);;) {
      const auto* bytes = static_cast<const std::byte*>(message->data());
      const bool more = message->more();
      if (count < kMostParts) parts[count++] = {{bytes, message->size()}, std::move(message)};
      if (!more) break;
      message = std::make_shared<zmq::message_t>();
      (void)receive(*message);  // libzmq delivers all parts of a message or none
    }
    return decode_native({parts.data(), count}, Clock::now(), limits);
  }

  /// What became of connections since it was asked last; one at a time.
  std::optional<Item> peer_change() {
    while (const auto event = monitor.next()) {
      if (*event == ZMQ_EVENT_CONNECT_RETRIED) {
        given_up = Clock::time_point::max();
        continue;
      }
      const bool connected = *event != ZMQ_EVENT_DISCONNECTED;
      peers += connected ? 1 : -1;
      if (connected) set_problem(std::nullopt);
      given_up = !config.zmq.bind && peers == 0 ? Clock::now() + kGivenUp : Clock::time_point::max();
      return PeerChange{connected};
    }
    return std::nullopt;
  }

  /// Connects again when ZeroMQ has given up, once all that came before is taken.
  std::optional<Item> reconnect() {
    if (Clock::now() < given_up || (socket.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0) return std::nullopt;
    given_up = Clock::time_point::max();
    (void)zmq_disconnect(socket.handle(), config.endpoint.c_str());  // else connecting to it again is nothing
    open();
    const std::string sentence = fmt::format(
        "the connection was cut because of what the sender sent: a message of more than {} times "
        "max_message_bytes, {}, or it is no {} socket; connecting again",
        NativeSource::kMostOver, config.limits.max_message_bytes, config.zmq.pull ? "PUSH" : "PUB");
    set_problem(sentence);
    return Problem{sentence};
  }

  void set_problem(std::optional<std::string> sentence) {
    std::lock_guard lock(problem_mutex);
    problem = std::move(sentence);
  }
};

NativeSource::NativeSource(zmq::context_t& context, SourceConfig config)
    : impl_(std::make_unique<Impl>(context, std::move(config))) {
  try {
    configure(impl_->socket, impl_->config);
    impl_->open();
  } catch (const std::exception& error) {
    throw std::runtime_error(std::string("endpoint: ") + error.what());
  }
}

NativeSource::~NativeSource() = default;

const std::string& NativeSource::name() const {
  return impl_->config.name;
}

std::string NativeSource::endpoint() const {
  return impl_->socket.get(zmq::sockopt::last_endpoint);
}

std::optional<std::string> NativeSource::problem() const {
  std::lock_guard lock(impl_->problem_mutex);
  return impl_->problem;
}

bool NativeSource::waits() const {
  return impl_->config.waits;
}

std::unique_ptr<LossTracker> NativeSource::make_tracker() const {
  return std::make_unique<SequenceTracker>();
}

std::optional<Item> NativeSource::next(Clock::time_point deadline) {
  constexpr unsigned kMessagesBetweenPeers = 64;
  do {
    if (impl_->until_peers > 0) {
      auto message = std::make_shared<zmq::message_t>();
      if (impl_->receive(*message)) {
        --impl_->until_peers;
        return impl_->decode(std::move(message));
      }
    }
    impl_->until_peers = kMessagesBetweenPeers;
    if (auto change = impl_->peer_change()) return change;
    if (auto problem = impl_->reconnect()) return problem;
  } while (impl_->wait(deadline) || Clock::now() < deadline);
  return std::nullopt;
}

}  // namespace flashphase::ingest
