#include "proto/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <zmq.hpp>

#include "tests/temporary_folder.h"

namespace flashphase {
namespace {

using testing::HasSubstr;

std::string problem_of(const std::string& endpoint, EndpointUse use) {
  return endpoint_problem(endpoint, use).value_or("(none)");
}

TEST(Endpoint, TakesWhatCanBeConnectedTo) {
  for (const char* good :
       {"tcp://127.0.0.1:5601", "tcp://detector-host.example.org:1", "tcp://localhost:65535",
        "tcp://[::1]:5601", "tcp://[fe80::1]:5601", "tcp://192.168.1.17:0;192.168.1.1:5555",
        "tcp://eth1;host:5555", "ipc:///tmp/frames", "ipc://frames", "ipc://@abstract"})
    EXPECT_EQ(problem_of(good, EndpointUse::connect), "(none)") << good;
}

TEST(Endpoint, TakesWhatCanBeBound) {
  for (const char* good : {"tcp://*:5601", "tcp://0.0.0.0:*", "tcp://127.0.0.1:0", "tcp://eth0:5601",
                           "tcp://br-lan.100:1", "tcp://[::]:5601", "tcp://host:5601", "ipc:///tmp/frames"})
    EXPECT_EQ(problem_of(good, EndpointUse::bind), "(none)") << good;
}

TEST(Endpoint, SaysWhatIsWrongAndWhatWouldBeRight) {
  const struct {
    const char *endpoint, *said;
  } both[] = {
      {"", "is missing; give a ZeroMQ endpoint such as tcp://127.0.0.1:5601"},
      {"localhost:5601", "\"localhost:5601\" is not a ZeroMQ endpoint such as"},
      {"inproc://frames", "\"inproc://frames\" is not a ZeroMQ endpoint such as"},
      {"udp://host:1", "is not a ZeroMQ endpoint"},
      {"tcp://127.0.0.1:99999",
       "\"tcp://127.0.0.1:99999\" has the port \"99999\", which is not within 1 to 65535"},
      {"tcp://host:-1", "has the port \"-1\""},
      {"tcp://host:56x", "has the port \"56x\""},
      {"tcp://host:", "has the port \"\""},
      {"tcp://host:5601/", "has the port \"5601/\""},
      {"tcp://host", "has no port; give one behind the host, as in tcp://host:5601"},
      {"tcp://[::1]", "has no port; give one behind the host, as in tcp://[::1]:5601"},
      {"tcp://", "has no port"},
      {"tcp://:5601", "has no host"},
      {"tcp://::1:5601", "an IPv6 address; put it in brackets, [::1]"},
      {"tcp://[::z]:5601", "has the host \"[::z]\", which is not an IPv6 address in brackets"},
      {"tcp://300.0.0.1:5601", "has the host \"300.0.0.1\", which is not an IPv4 address"},
      {"tcp://no host:5601", "has the host \"no host\", which is no name of a host"},
      {"tcp://;host:5601", "has a ;"},
      {"ipc://", "has no path"},
  };
  for (const auto& [endpoint, said] : both)
    for (const auto use : {EndpointUse::connect, EndpointUse::bind})
      EXPECT_THAT(problem_of(endpoint, use), HasSubstr(said)) << endpoint;
  EXPECT_THAT(problem_of("tcp://*:5601", EndpointUse::connect), HasSubstr("name the host to connect to"));
  EXPECT_THAT(problem_of("tcp://host:*", EndpointUse::connect), HasSubstr("has the port \"*\""));
  EXPECT_THAT(problem_of("tcp://host:0", EndpointUse::connect), HasSubstr("has the port \"0\""));
  EXPECT_THAT(problem_of("tcp://eth1;host:5555", EndpointUse::bind), HasSubstr("has a ;"));
  EXPECT_THAT(problem_of("ipc:///" + std::string(200, 'x'), EndpointUse::bind),
              HasSubstr("more than 107 characters"));
}

class OpenEndpointTest : public testing::Test {
 protected:
  std::string bind(zmq::socket_t& socket, const std::string& endpoint) {
    try {
      open_endpoint(socket.handle(), endpoint, EndpointUse::bind);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }

  /// Whether a message gets from one to the other.
  bool carries(const std::string& bound, const std::string& host) {
    zmq::socket_t receiver(context_, zmq::socket_type::pull), sender(context_, zmq::socket_type::push);
    open_endpoint(receiver.handle(), bound, EndpointUse::bind);
    const std::string at = receiver.get(zmq::sockopt::last_endpoint);
    open_endpoint(sender.handle(), "tcp://" + host + at.substr(at.rfind(':')), EndpointUse::connect);
    sender.send(zmq::str_buffer("x"));
    receiver.set(zmq::sockopt::rcvtimeo, 20'000);
    zmq::message_t message;
    return receiver.recv(message).has_value();
  }

  static bool machine_has_ipv6() {
    zmq::context_t context;
    zmq::socket_t socket(context, zmq::socket_type::pull);
    socket.set(zmq::sockopt::ipv6, true);
    return zmq_bind(socket.handle(), "tcp://[::1]:*") == 0;
  }

  TemporaryFolder folder_;
  zmq::context_t context_;
};

TEST_F(OpenEndpointTest, SpeaksIPv6WhereTheEndpointDoes) {
  if (!machine_has_ipv6()) GTEST_SKIP() << "this machine has no IPv6";
  EXPECT_TRUE(carries("tcp://[::1]:*", "[::1]"));
  EXPECT_TRUE(carries("tcp://[::]:*", "127.0.0.1")) << "[::] is both";
}

TEST_F(OpenEndpointTest, SpeaksIPv4EverywhereElse) {
  EXPECT_TRUE(carries("tcp://127.0.0.1:*", "localhost"));
  EXPECT_TRUE(carries("tcp://*:*", "127.0.0.1"));
  EXPECT_TRUE(carries("tcp://lo:*", "127.0.0.1")) << "an interface";
}

TEST_F(OpenEndpointTest, RefusesAnIpcPathWhereAnotherProgramListens) {
  const std::string endpoint = "ipc://" + (folder_ / "frames");
  zmq::socket_t first(context_, zmq::socket_type::pull), second(context_, zmq::socket_type::pull);
  EXPECT_EQ(bind(first, endpoint), "");
  EXPECT_EQ(bind(second, endpoint),
            "cannot bind " + endpoint + ": Address already in use: another program listens there");
  zmq::socket_t sender(context_, zmq::socket_type::push);
  open_endpoint(sender.handle(), endpoint, EndpointUse::connect);
  sender.send(zmq::str_buffer("x"));
  first.set(zmq::sockopt::rcvtimeo, 20'000);
  zmq::message_t message;
  EXPECT_TRUE(first.recv(message)) << "the first still hears";
}

TEST_F(OpenEndpointTest, TakesTheIpcPathOfAProgramThatIsGone) {
  const std::string path = folder_ / "stale";
  {
    const int file = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(file, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(file);
  }
  zmq::socket_t socket(context_, zmq::socket_type::pull);
  EXPECT_EQ(bind(socket, "ipc://" + path), "");
}

TEST_F(OpenEndpointTest, LeavesAFileAtAnIpcPathAlone) {
  const std::string path = folder_ / "data.h5";
  std::ofstream(path) << "measured";
  zmq::socket_t socket(context_, zmq::socket_type::pull);
  EXPECT_THAT(bind(socket, "ipc://" + path), HasSubstr("something at this path that is not a socket"));
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

}  // namespace
}  // namespace flashphase
