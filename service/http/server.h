#pragma once

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

/// Answers a GET or HEAD request; `target` is as it came, query included. Called on the server's thread, one
/// at a time.
using Handler = std::function<Response(std::string_view target)>;

/// A small HTTP/1.1 server on one thread of its own. It reads GET and HEAD only (405 otherwise), bounds what
/// a client can cost: connections, header and body size, time for a request; and answers 500 when the handler
/// throws.
class Server {
 public:
  /// Listens from here on. Port 0 = any free port. Throws std::runtime_error with one sentence that begins
  /// with "port: " or "address: ".
  Server(const std::string& address, std::uint16_t port, Handler handler);
  ~Server();  ///< closes the connections and joins
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flashphase::http
