#pragma once

#include <string>
#include <vector>

namespace google::protobuf {
class Message;
}

namespace flashphase::service {

/// Makes a message that was read from a file whole, by the options of its fields (proto/options.proto): what
/// was not given gets its default, at every depth and in every entry of the lists; then each value that is
/// out of its bounds, or none of its choices, adds one line `path: sentence` to `problems`.
void complete_settings(google::protobuf::Message& message, const std::string& path,
                       std::vector<std::string>& problems);

}  // namespace flashphase::service
