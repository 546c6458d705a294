#include "proto/endpoint.h"

#include <net/if.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <string_view>

namespace flashphase {

namespace {

constexpr std::string_view kTcp = "tcp://", kIpc = "ipc://";
constexpr std::string_view kExample = "such as tcp://127.0.0.1:5601, tcp://[::1]:5601 or ipc:///tmp/frames";

using Problem = std::optional<std::string>;

std::string in_quotes(std::string_view text) {
  std::string quoted(1, '"');
  return quoted.append(text).append(1, '"');
}

/// Whether getaddrinfo knows `host` as an address of the family.
bool resolves(const std::string& host, int family, int flags = 0) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return false;
  freeaddrinfo(found);
  return true;
}

bool is_ipv6_address(std::string_view text) {
  return resolves(std::string(text), AF_INET6, AI_NUMERICHOST);
}

bool is_odd(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= ' ' || byte == 127 || std::string_view("/[]\"'@?#;").find(c) != std::string_view::npos;
}

Problem host_problem(std::string_view host, EndpointUse use) {
  const std::string name = "has the host " + in_quotes(host) + ", which is ";
  if (host.empty()) return "has no host";
  if (host.starts_with('[')) {
    if (host.ends_with(']') && is_ipv6_address(host.substr(1, host.size() - 2))) return std::nullopt;
    return name + "not an IPv6 address in brackets";
  }
  if (is_ipv6_address(host)) return name + "an IPv6 address; put it in brackets, [" + std::string(host) + "]";
  if (host == "*" && use == EndpointUse::connect)
    return name + "for binding alone; name the host to connect to";
  if (std::ranges::any_of(host, is_odd)) return name + "no name of a host";
  if (host.find_first_not_of("0123456789.") == std::string_view::npos &&
      !resolves(std::string(host), AF_INET, AI_NUMERICHOST))
    return name + "not an IPv4 address";
  return std::nullopt;
}

Problem port_problem(std::string_view port, EndpointUse use) {
  const bool bind = use == EndpointUse::bind;
  if (bind && (port == "*" || port == "0")) return std::nullopt;
  const bool number =
      !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
  const int value = number ? std::stoi(std::string(port)) : 0;
  if (value >= 1 && value <= 65535) return std::nullopt;
  return "has the port " + in_quotes(port) + ", which is not within 1 to 65535" +
         (bind ? ", nor * for any free one" : "");
}

/// HOST:PORT of tcp://SOURCE;HOST:PORT or tcp://HOST:PORT.
std::string_view destination(std::string_view endpoint) {
  endpoint.remove_prefix(kTcp.size());
  const auto semicolon = endpoint.find(';');
  return semicolon == std::string_view::npos ? endpoint : endpoint.substr(semicolon + 1);
}

Problem tcp_problem(std::string_view endpoint, EndpointUse use) {
  const std::string_view address = destination(endpoint);
  const bool has_source = address.size() + kTcp.size() < endpoint.size();
  if (has_source && (use == EndpointUse::bind || endpoint[kTcp.size()] == ';'))
    return "has a ; which stands between the source and the host to connect to";
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos || address.ends_with(']'))
    return "has no port; give one behind the host, as in " + std::string(endpoint) + ":5601";
  if (auto problem = host_problem(address.substr(0, colon), use)) return problem;
  return port_problem(address.substr(colon + 1), use);
}

Problem ipc_problem(std::string_view path) {
  constexpr std::size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
  if (path.empty() || path == "@") return "has no path";
  if (path.size() > kLongest) return "has a path of more than " + std::to_string(kLongest) + " characters";
  return std::nullopt;
}

/// Why the path of an ipc endpoint cannot be bound.
Problem taken(const std::string& path) {
  struct stat at {};
  if (stat(path.c_str(), &at) != 0) return std::nullopt;  // ZeroMQ says what else may be wrong
  if (!S_ISSOCK(at.st_mode)) return "there is something at this path that is not a socket";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const bool stale =
      probe < 0 || (::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
                    (errno == ECONNREFUSED || errno == ENOENT));
  if (probe >= 0) ::close(probe);
  if (stale) return std::nullopt;
  return "Address already in use: another program listens there";
}

bool needs_ipv6(const std::string& endpoint) {
  if (!endpoint.starts_with(kTcp)) return false;
  const std::string_view address = destination(endpoint);
  const std::string host(address.substr(0, address.rfind(':')));
  if (host.starts_with('[')) return true;
  if (host == "*" || if_nametoindex(host.c_str()) != 0) return false;
  return !resolves(host, AF_INET) && resolves(host, AF_INET6);
}

}  // namespace

std::optional<std::string> endpoint_problem(const std::string& endpoint, EndpointUse use) {
  if (endpoint.empty()) return "is missing; give a ZeroMQ endpoint " + std::string(kExample);
  Problem problem;
  if (endpoint.starts_with(kTcp))
    problem = tcp_problem(endpoint, use);
  else if (endpoint.starts_with(kIpc))
    problem = ipc_problem(std::string_view(endpoint).substr(kIpc.size()));
  else
    problem = "is not a ZeroMQ endpoint " + std::string(kExample);
  if (problem) return in_quotes(endpoint) + " " + *problem;
  return std::nullopt;
}

void open_endpoint(void* socket, const std::string& endpoint, EndpointUse use) {
  const bool bind = use == EndpointUse::bind;
  const auto refuse = [&](const std::string& reason) {
    throw std::runtime_error("cannot " + std::string(bind ? "bind " : "connect to ") + endpoint + ": " +
                             reason);
  };
  if (bind && endpoint.starts_with(kIpc) && endpoint[kIpc.size()] != '@')
    if (const auto problem = taken(endpoint.substr(kIpc.size()))) refuse(*problem);
  const int ipv6 = needs_ipv6(endpoint) ? 1 : 0;
  zmq_setsockopt(socket, ZMQ_IPV6, &ipv6, sizeof ipv6);
  if ((bind ? zmq_bind(socket, endpoint.c_str()) : zmq_connect(socket, endpoint.c_str())) != 0)
    refuse(zmq_strerror(zmq_errno()));
}

}  // namespace flashphase
