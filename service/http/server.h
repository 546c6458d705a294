#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace flashphase::http {

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
};

struct Request {
  std::string_view target;  ///< as it came, query included
  bool post = false;        ///< else GET or HEAD
  std::string_view content_type{};
  std::string_view body{};
  bool from_loopback = true;  ///< from this machine
};

/// Answers a request. Called on the server's thread, one at a time; for a POST on one of its own, which it
/// may keep for as long as it needs, one at a time too.
using Handler = std::function<Response(const Request& request)>;

struct ServerLimits {
  std::size_t connections = 64;
  std::chrono::milliseconds request{3000};  ///< for a request: from accepting, later from its first byte
  std::chrono::milliseconds idle{15000};    ///< between requests, and for an answer to be taken
};

/// A small HTTP/1.1 server. It reads GET, HEAD and POST only (405 otherwise, 400 for what is no HTTP), bounds
/// what a client can cost: connections, header (431) and body size (413), time; and answers 500 when the
/// handler throws.
///
/// A new connection is always taken: where all places are, or the process has no file descriptor left, the
/// one that has gone longest without a request finished is closed, be it half a request or an idle browser.
class Server {
 public:
  /// Listens from here on. Port 0 = any free port. Throws std::runtime_error with one sentence that begins
  /// with "port: " or "address: ".
  Server(const std::string& address, std::uint16_t port, Handler handler, const ServerLimits& limits = {});
  ~Server();  ///< closes the connections and joins
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flashphase::http
