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
#include <string_view>

namespace flashphase::testing_support {

/// A subscriber that speaks ZMTP 3.0 itself, so that it can say what libzmq's would not. Connects to
/// 127.0.0.1:port.
class ZmtpPeer {
 public:
  explicit ZmtpPeer(std::uint16_t port) : file_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{20, 0};
    ::setsockopt(file_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(file_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    std::string greeting(64, '\0');
    greeting[0] = '\xff';
    greeting[9] = '\x7f';
    greeting[10] = 3;
    greeting.replace(12, 4, "NULL");
    send(greeting);
    constexpr std::string_view kReady("\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB", 27);
    send(kReady);
    const std::string theirs = receive(64 + 2);  // their greeting, and flags and size of their READY
    receive(static_cast<unsigned char>(theirs.back()));
  }
  ~ZmtpPeer() { ::close(file_); }
  ZmtpPeer(const ZmtpPeer&) = delete;
  ZmtpPeer& operator=(const ZmtpPeer&) = delete;

  void subscribe(std::string_view topic) { send(command('\1', topic)); }
  void unsubscribe(std::string_view topic) { send(command('\0', topic)); }

  /// One message: a subscription (1) or its end (0), of a topic up to 254 bytes.
  static std::string command(char kind, std::string_view topic) {
    return std::string{'\0', static_cast<char>(topic.size() + 1), kind} + std::string(topic);
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(file_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// Reads on until the other side closes; false when it does not for 20 seconds.
  bool is_closed() {
    std::array<char, 4096> piece;
    ssize_t size = 0;
    while ((size = ::recv(file_, piece.data(), piece.size(), 0)) > 0) {
    }
    return size == 0 || errno == ECONNRESET;
  }

 private:
  std::string receive(std::size_t size) {
    std::string bytes(size, '\0');
    EXPECT_EQ(::recv(file_, bytes.data(), size, MSG_WAITALL), static_cast<ssize_t>(size));
    return bytes;
  }

  const int file_;
};

}  // namespace flashphase::testing_support
