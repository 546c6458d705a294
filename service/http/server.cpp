#include "service/http/server.h"

#include <utility>  // Boost 1.74 with C++20 needs it before Asio

#include <spdlog/fmt/fmt.h>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/optional.hpp>

#include <chrono>
#include <list>
#include <optional>
#include <stdexcept>
#include <thread>

namespace flashphase::http {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;

constexpr std::size_t kLargestHeader = 8192;
constexpr std::size_t kLargestBody = 4096;
constexpr std::size_t kPiece = 4096;
/// Pause when no connection can be accepted.
constexpr std::chrono::milliseconds kRetry{100};

class Session;
/// Those that are open; first the one that has gone longest without a request finished.
using Sessions = std::list<Session*>;

/// One connection: reads a request, answers, and again while the client keeps it open.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const Handler& handler, asio::thread_pool& posts, const ServerLimits& limits,
          Sessions& sessions)
      : stream_(std::move(socket)),
        handler_(handler),
        posts_(posts),
        limits_(limits),
        sessions_(sessions),
        place_(sessions_.insert(sessions_.end(), this)) {}
  ~Session() { leave(); }

  void read() {
    parser_.emplace();
    parser_->header_limit(kLargestHeader);
    parser_->body_limit(kLargestBody);
    stream_.expires_after(limits_.request);
    beast::http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](beast::error_code error, std::size_t) { self->answer(error); });
  }

  /// Ends it at once.
  void abort() {
    leave();
    stream_.close();
  }

 private:
  void leave() {
    if (place_) sessions_.erase(*place_);
    place_.reset();
  }

  void wait() {
    if (buffer_.size() > 0) return read();
    stream_.expires_after(limits_.idle);
    stream_.async_read_some(buffer_.prepare(kPiece),
                            [self = shared_from_this()](beast::error_code error, std::size_t size) {
                              if (error) return;
                              self->buffer_.commit(size);
                              self->read();
                            });
  }

  void answer(beast::error_code error) {
    using Error = beast::http::error;
    if (error == Error::header_limit) return refuse(431, "the header is too large\n");
    if (error == Error::body_limit) return refuse(413, "the body is too large\n");
    if (error == Error::end_of_stream || error == Error::partial_message) return;
    if (error.category() == make_error_code(Error::end_of_stream).category())
      return refuse(400, "this is no HTTP request\n");
    if (error) return;
    const auto& request = parser_->get();
    const bool head = request.method() == beast::http::verb::head;
    const bool post = request.method() == beast::http::verb::post;
    if (!head && !post && request.method() != beast::http::verb::get)
      return refuse(405, "only GET, HEAD and POST\n");
    const bool last = !request.keep_alive();
    if (!post) return write(ask(asked(false)), head, last);
    stream_.expires_never();
    // Nothing of the session is left to that thread in the end: its end is the server's thread's alone.
    asio::post(posts_, [self = shared_from_this(), asked = asked(true), last,
                        executor = stream_.get_executor()]() mutable {
      Response response = self->ask(asked);
      asio::post(executor, [self = std::move(self), response = std::move(response), last]() mutable {
        self->write(std::move(response), false, last);
      });
    });
  }

  /// Its texts stay in the parser until the answer is there.
  Request asked(bool post) {
    const auto& request = parser_->get();
    const auto view = [](beast::string_view text) { return std::string_view(text.data(), text.size()); };
    beast::error_code error;
    const auto peer = stream_.socket().remote_endpoint(error);
    return {.target = view(request.target()),
            .post = post,
            .content_type = view(request[beast::http::field::content_type]),
            .body = request.body(),
            .from_loopback = !error && is_loopback(peer.address())};
  }

  Response ask(const Request& request) const {
    try {
      return handler_(request);
    } catch (const std::exception& problem) {
      return {500, "text/plain", std::string(problem.what()) + "\n"};
    }
  }

  /// Also as an IPv6 socket sees IPv4.
  static bool is_loopback(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped())
      return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback();
    return address.is_loopback();
  }

  void refuse(int status, const std::string& why) { write({status, "text/plain", why}, false, true); }

  void write(Response response, bool head, bool last) {
    namespace field = beast::http;
    response_ = {};
    response_.result(static_cast<unsigned>(response.status));
    response_.set(field::field::content_type, response.content_type);
    response_.set(field::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    if (response.status == 405) response_.set(field::field::allow, "GET, HEAD, POST");
    response_.keep_alive(!last);
    if (head) {
      response_.content_length(response.body.size());
    } else {
      response_.body() = std::move(response.body);
      response_.prepare_payload();
    }
    stream_.expires_after(limits_.idle);
    const auto written = [self = shared_from_this(), last](beast::error_code error, std::size_t) {
      if (error) return;
      if (last) return self->close();
      if (self->place_) self->sessions_.splice(self->sessions_.end(), self->sessions_, *self->place_);
      self->wait();
    };
    if (!head) return beast::http::async_write(stream_, response_, written);
    serializer_.emplace(response_);
    beast::http::async_write_header(stream_, *serializer_, written);
  }

  /// Reads on, for a while, until the client closes too: the kernel takes an answer back when something that
  /// was sent is not read.
  void close() {
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(limits_.request);
    discard();
  }

  void discard() {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kPiece),
                            [self = shared_from_this()](beast::error_code error, std::size_t) {
                              if (!error) self->discard();
                            });
  }

  beast::tcp_stream stream_;
  const Handler& handler_;
  asio::thread_pool& posts_;
  const ServerLimits& limits_;
  Sessions& sessions_;
  std::optional<Sessions::iterator> place_;  // nothing once it was aborted
  beast::flat_buffer buffer_;
  boost::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  beast::http::response<beast::http::string_body> response_;
  boost::optional<beast::http::response_serializer<beast::http::string_body>> serializer_;
};

}  // namespace

struct Server::Impl {
  Handler handler;
  ServerLimits limits;
  Sessions sessions;  // outlives the context, which holds them
  asio::io_context context{1};
  asio::thread_pool posts{1};
  tcp::acceptor acceptor{context};
  asio::steady_timer retry{context};
  std::thread thread;

  void listen(const std::string& address, std::uint16_t port) {
    beast::error_code error;
    const auto parsed = asio::ip::make_address(address, error);
    if (error)
      throw std::runtime_error(
          fmt::format("address: \"{}\" is not an IP address such as 127.0.0.1", address));
    const tcp::endpoint endpoint(parsed, port);
    acceptor.open(endpoint.protocol());
    acceptor.set_option(asio::socket_base::reuse_address(true));
    acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) acceptor.non_blocking(true, error);
    if (error)
      throw std::runtime_error(fmt::format("port: cannot listen on {}:{}: {}; 0 takes any free port", address,
                                           port, error.message()));
  }

  /// Waits before it accepts: the system says that there is no file descriptor even when there is nobody.
  void accept() {
    acceptor.async_wait(tcp::acceptor::wait_read, [this](beast::error_code error) {
      if (error) return;
      tcp::socket socket(context);
      acceptor.accept(socket, error);
      if (error == asio::error::would_block) return accept();
      if (error) return accept_later();
      if (sessions.size() >= limits.connections) drop_oldest();
      std::make_shared<Session>(std::move(socket), handler, posts, limits, sessions)->read();
      accept();
    });
  }

  /// Out of file descriptors, most likely: not at once again, and with one more.
  void accept_later() {
    drop_oldest();
    retry.expires_after(kRetry);
    retry.async_wait([this](beast::error_code error) {
      if (!error) accept();
    });
  }

  void drop_oldest() {
    if (!sessions.empty()) sessions.front()->abort();
  }
};

Server::Server(const std::string& address, std::uint16_t port, Handler handler, const ServerLimits& limits)
    : impl_(std::make_unique<Impl>()) {
  impl_->handler = std::move(handler);
  impl_->limits = limits;
  impl_->listen(address, port);
  impl_->accept();
  impl_->thread = std::thread([impl = impl_.get()] {
    pthread_setname_np(pthread_self(), "http");
    impl->context.run();
  });
}

Server::~Server() {
  impl_->posts.join();  // what was asked for is done
  impl_->context.stop();
  impl_->thread.join();
}

std::uint16_t Server::port() const {
  return impl_->acceptor.local_endpoint().port();
}

}  // namespace flashphase::http
