#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

namespace flashphase::testing_support {

/// A connection to 127.0.0.1:port.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port) : HttpClient() { connect(port); }
  HttpClient() : file_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{20, 0};
    ::setsockopt(file_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  HttpClient(HttpClient&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  ~HttpClient() {
    if (file_ >= 0) ::close(file_);
  }

  void connect(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(file_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }

  void send(const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
      const auto more = ::send(file_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (more <= 0) break;
      sent += static_cast<std::size_t>(more);
    }
  }

  /// What comes until it contains `last`, or until the server closes.
  std::string receive_until(const std::string& last) {
    std::string answer;
    std::array<char, 4096> piece;
    for (ssize_t size = 0;
         answer.find(last) == std::string::npos && (size = ::recv(file_, piece.data(), piece.size(), 0)) > 0;)
      answer.append(piece.data(), static_cast<std::size_t>(size));
    return answer;
  }

  /// All that comes until the server closes; fails the test when it does not for 20 seconds.
  std::string receive_all() {
    std::string answer;
    std::array<char, 4096> piece;
    ssize_t size = 0;
    while ((size = ::recv(file_, piece.data(), piece.size(), 0)) > 0)
      answer.append(piece.data(), static_cast<std::size_t>(size));
    EXPECT_FALSE(size < 0 && errno == EAGAIN) << "still open";
    return answer;
  }

 private:
  int file_;
};

/// Sends the text to 127.0.0.1:port and returns all that comes back until the server closes.
inline std::string talk(std::uint16_t port, const std::string& text) {
  HttpClient client(port);
  client.send(text);
  return client.receive_all();
}

inline std::string request(const std::string& method, const std::string& target) {
  return method + " " + target + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
}

inline std::string get(std::uint16_t port, const std::string& target) {
  return talk(port, request("GET", target));
}

}  // namespace flashphase::testing_support
