#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>

namespace flashphase::testing_support {

/// Sends the text to 127.0.0.1:port and returns all that comes back until the server closes.
inline std::string talk(std::uint16_t port, const std::string& text) {
  const int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  for (std::size_t sent = 0; sent < text.size();) {
    const auto more = ::send(file, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (more <= 0) break;
    sent += static_cast<std::size_t>(more);
  }
  std::string answer;
  std::array<char, 4096> piece;
  for (ssize_t size = 0; (size = ::recv(file, piece.data(), piece.size(), 0)) > 0;)
    answer.append(piece.data(), static_cast<std::size_t>(size));
  ::close(file);
  return answer;
}

inline std::string request(const std::string& method, const std::string& target) {
  return method + " " + target + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
}

inline std::string get(std::uint16_t port, const std::string& target) {
  return talk(port, request("GET", target));
}

}  // namespace flashphase::testing_support
