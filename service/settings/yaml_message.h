#pragma once

#include <string>
#include <vector>

namespace google::protobuf {
class Message;
}
namespace YAML {
class Node;
}

namespace flashphase::service {

/// Lays a YAML mapping onto a Protobuf message, field by field as the message's descriptor says. Each thing
/// that does not fit (no such key, wrong type, out of the type's range, given twice) adds one line `path:
/// sentence` to `problems`.
///
/// It goes by the descriptor, and not through JSON, because a YAML scalar has no type of its own: `policy:
/// off` is a word where the schema has a string and a truth value where it has a bool.
void read_yaml(const YAML::Node& node, google::protobuf::Message& message, const std::string& path,
               std::vector<std::string>& problems);

/// The message as YAML, fields in the order of the schema, those not set left out.
std::string write_yaml(const google::protobuf::Message& message);

}  // namespace flashphase::service
