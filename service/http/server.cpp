#include "service/http/server.h"

#include <utility>  // Boost 1.74 with C++20 needs it before Asio

#include <spdlog/fmt/fmt.h>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/optional.hpp>

#include <chrono>
#include <stdexcept>
#include <thread>

namespace flashphase::http {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;

constexpr int kMostConnections = 64;
constexpr std::size_t kLargestHeader = 8192;
constexpr std::size_t kLargestBody = 4096;
constexpr std::chrono::seconds kPatience{15};

/// One connection: reads a request, answers, and again while the client keeps it open.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const Handler& handler, std::shared_ptr<int> connections)
      : stream_(std::move(socket)), handler_(handler), connections_(std::move(connections)) {
    ++*connections_;
  }
  ~Session() { --*connections_; }

  void read() {
    parser_.emplace();
    parser_->header_limit(kLargestHeader);
    parser_->body_limit(kLargestBody);
    stream_.expires_after(kPatience);
    beast::http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](beast::error_code error, std::size_t) { self->answer(error); });
  }

 private:
  void answer(beast::error_code error) {
    if (error == beast::http::error::header_limit || error == beast::http::error::body_limit)
      return write({413, "text/plain", "too large\n"}, false, true);
    if (error) return close();
    const auto& request = parser_->get();
    const bool head = request.method() == beast::http::verb::head;
    if (!head && request.method() != beast::http::verb::get)
      return write({405, "text/plain", "only GET and HEAD\n"}, false, true);
    Response response;
    try {
      response = handler_({request.target().data(), request.target().size()});
    } catch (const std::exception& problem) {
      response = {500, "text/plain", std::string(problem.what()) + "\n"};
    }
    write(std::move(response), head, !request.keep_alive());
  }

  void write(Response response, bool head, bool last) {
    namespace field = beast::http;
    response_ = {};
    response_.result(static_cast<unsigned>(response.status));
    response_.set(field::field::content_type, response.content_type);
    response_.set(field::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    if (response.status == 405) response_.set(field::field::allow, "GET, HEAD");
    response_.keep_alive(!last);
    if (head) {
      response_.content_length(response.body.size());
    } else {
      response_.body() = std::move(response.body);
      response_.prepare_payload();
    }
    stream_.expires_after(kPatience);
    const auto written = [self = shared_from_this(), last](beast::error_code error, std::size_t) {
      if (error || last) return self->close();
      self->read();
    };
    if (!head) return beast::http::async_write(stream_, response_, written);
    serializer_.emplace(response_);
    beast::http::async_write_header(stream_, *serializer_, written);
  }

  void close() {
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  beast::tcp_stream stream_;
  const Handler& handler_;
  std::shared_ptr<int> connections_;
  beast::flat_buffer buffer_;
  boost::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  beast::http::response<beast::http::string_body> response_;
  boost::optional<beast::http::response_serializer<beast::http::string_body>> serializer_;
};

}  // namespace

struct Server::Impl {
  Handler handler;
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  std::shared_ptr<int> connections = std::make_shared<int>(0);
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
    if (error)
      throw std::runtime_error(fmt::format("port: cannot listen on {}:{}: {}; 0 takes any free port", address,
                                           port, error.message()));
  }

  void accept() {
    acceptor.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error && *connections < kMostConnections)
        std::make_shared<Session>(std::move(socket), handler, connections)->read();
      accept();
    });
  }
};

Server::Server(const std::string& address, std::uint16_t port, Handler handler)
    : impl_(std::make_unique<Impl>()) {
  impl_->handler = std::move(handler);
  impl_->listen(address, port);
  impl_->accept();
  impl_->thread = std::thread([impl = impl_.get()] {
    pthread_setname_np(pthread_self(), "http");
    impl->context.run();
  });
}

Server::~Server() {
  impl_->context.stop();
  impl_->thread.join();
}

std::uint16_t Server::port() const {
  return impl_->acceptor.local_endpoint().port();
}

}  // namespace flashphase::http
