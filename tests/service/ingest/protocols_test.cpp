#include "service/ingest/protocols.h"

#include <gmock/gmock.h>

#include <stdexcept>
#include <zmq.hpp>

namespace flashphase::ingest {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

TEST(Protocols, EveryRowOpensASourceThatSaysWhatItIs) {
  zmq::context_t context;
  for (const Protocol& protocol : protocols()) {
    const SourceConfig config{.name = "camera",
                              .protocol = std::string(protocol.name),
                              .endpoint = "tcp://127.0.0.1:*",
                              .waits = true,
                              .zmq = {.bind = true}};
    const auto source = open_source(context, config);
    EXPECT_EQ(source->name(), "camera");
    EXPECT_THAT(source->endpoint(), StartsWith("tcp://127.0.0.1:"));
    EXPECT_TRUE(source->waits());
    EXPECT_EQ(source->problem(), std::nullopt);
    EXPECT_NE(source->make_tracker(), nullptr);
  }
}

TEST(Protocols, AProtocolThatThereIsNotIsNamed) {
  zmq::context_t context;
  EXPECT_THAT(
      [&] { open_source(context, {.protocol = "carrier pigeon", .endpoint = "tcp://127.0.0.1:1"}); },
      ThrowsMessage<std::runtime_error>(HasSubstr("protocol: there is none called \"carrier pigeon\"")));
}

}  // namespace
}  // namespace flashphase::ingest
