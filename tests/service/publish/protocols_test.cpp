#include "service/publish/protocols.h"

#include <gmock/gmock.h>

#include <stdexcept>
#include <zmq.hpp>

namespace flashphase::publish {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

TEST(Protocols, EveryRowOpensASinkThatSaysWhatItIs) {
  zmq::context_t context;
  for (const Protocol& protocol : protocols()) {
    const auto sink = open_sink(
        {context},
        {.name = "upstairs", .protocol = std::string(protocol.name), .endpoint = "tcp://127.0.0.1:*"});
    EXPECT_EQ(sink->name(), "upstairs");
    EXPECT_THAT(sink->endpoint(), StartsWith("tcp://127.0.0.1:"));
    EXPECT_EQ(sink->problem(), std::nullopt);
    EXPECT_TRUE(sink->take(Final{}));
  }
}

TEST(Protocols, AProtocolThatThereIsNotIsNamed) {
  zmq::context_t context;
  EXPECT_THAT(
      [&] { open_sink({context}, {.protocol = "carrier pigeon"}); },
      ThrowsMessage<std::runtime_error>(HasSubstr("protocol: there is none called \"carrier pigeon\"")));
}

}  // namespace
}  // namespace flashphase::publish
