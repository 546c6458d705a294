#pragma once

#include <optional>
#include <string>

namespace flashphase {

enum class EndpointUse { connect, bind };

/// What is wrong with a ZeroMQ endpoint and what would be right, the rest of a sentence that names its key or
/// flag; nothing when it is good. Good are tcp://HOST:PORT and ipc://PATH. HOST is a name, an IPv4 address or
/// an IPv6 address in brackets; to bind also an interface or *, to connect also SOURCE;HOST. PORT is 1 to
/// 65535; to bind also 0 or *, any free one. Looks at nothing but the text. Thread-safe.
std::optional<std::string> endpoint_problem(const std::string& endpoint, EndpointUse use);

/// Binds or connects `socket`, a ZeroMQ socket (zmq::socket_t::handle()), to a good endpoint, with IPv6 where
/// that asks for it: by an address in brackets, or a name that has no other address. With IPv6 everywhere, a
/// name such as localhost would mean its IPv6 address alone, and an interface likewise. Throws
/// std::runtime_error with one sentence: "cannot bind ...", "cannot connect to ...". Blocks while a name is
/// looked up.
///
/// ZeroMQ removes whatever lies at the path of an ipc endpoint that it binds: another program's socket, which
/// is deaf from then on, or a file. Here both are refused.
void open_endpoint(void* socket, const std::string& endpoint, EndpointUse use);

}  // namespace flashphase
