#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "service/ingest/source.h"
#include "service/ingest/source_config.h"

namespace zmq {
class context_t;
}

namespace flashphase::ingest {

struct Protocol {
  std::string_view name;  ///< as in source.protocol
  /// What is wrong with an endpoint, the rest of a sentence that names its key; nothing when it is good.
  /// Looks at the text alone, so that --check says it too.
  std::optional<std::string> (*endpoint_problem)(const std::string& endpoint, bool bind);
  /// Opens the source. Throws std::runtime_error with one sentence that begins with the setting at fault and
  /// a colon.
  std::unique_ptr<Source> (*open)(zmq::context_t& context, const SourceConfig& config);
};

/// All there are. A new one is a row of the table in protocols.cpp.
std::span<const Protocol> protocols();

/// Opens what `config` describes; see Protocol::open. `context` has to outlive it.
std::unique_ptr<Source> open_source(zmq::context_t& context, const SourceConfig& config);

}  // namespace flashphase::ingest
