#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "service/publish/sink.h"

namespace zmq {
class context_t;
}

namespace flashphase::publish {

struct SinkConfig {
  std::string name = "zeromq";
  std::string protocol = "zeromq";  ///< a row of protocols()
  std::string endpoint = "tcp://127.0.0.1:5602";
  int high_water_mark = 1000;  ///< results kept per consumer
};

/// What sinks share. All of it has to outlive them.
struct SinkContext {
  zmq::context_t& zmq;
  /// Called when the number of subscriptions changes; see ZmqPublisher::on_subscription.
  std::function<void(int change)> on_subscription = [](int) {};
};

struct Protocol {
  std::string_view name;  ///< as in sink.protocol
  /// What is wrong with an endpoint, the rest of a sentence that names its key; nothing when it is good.
  /// Looks at the text alone, so that --check says it too.
  std::optional<std::string> (*endpoint_problem)(const std::string& endpoint);
  /// Opens the sink. Throws std::runtime_error with one sentence that begins with the setting at fault and a
  /// colon.
  std::shared_ptr<Sink> (*open)(const SinkContext& context, const SinkConfig& config);
};

/// All there are. A new one is a row of the table in protocols.cpp.
std::span<const Protocol> protocols();

/// Opens what `config` describes; see Protocol::open.
std::shared_ptr<Sink> open_sink(const SinkContext& context, const SinkConfig& config);

}  // namespace flashphase::publish
