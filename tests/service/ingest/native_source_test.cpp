#include "service/ingest/native_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <thread>
#include <zmq.hpp>

#include "tests/service/ingest/native_messages.h"

namespace flashphase::ingest {
namespace {

using testing_support::float_pixels;
using testing_support::frame_message;

void send(zmq::socket_t& socket, const std::vector<std::string>& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i)
    socket.send(zmq::buffer(parts[i]),
                i + 1 < parts.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
}

Clock::time_point soon() {
  return Clock::now() + std::chrono::seconds(20);
}

class NativeSourceTest : public testing::Test {
 protected:
  /// The next item that is not about connections.
  static Item next_of_stream(Source& source) {
    for (;;)
      if (auto item = source.next(soon()); !item || !std::holds_alternative<PeerChange>(*item))
        return item.value();
  }

  zmq::context_t context_;
};

TEST_F(NativeSourceTest, GivesTheItemsOfAStreamInOrder) {
  NativeSource source(context_, {.endpoint = "tcp://127.0.0.1:*", .zmq = {.pull = true, .bind = true}});
  zmq::socket_t sender(context_, zmq::socket_type::push);
  sender.connect(source.endpoint());
  v1::StreamMessage begin, end;
  begin.mutable_begin()->set_run(3);
  end.mutable_end()->set_run(3);
  send(sender, {begin.SerializeAsString()});
  send(sender, {frame_message(0).SerializeAsString(), float_pixels(24)});
  send(sender, {frame_message(1).SerializeAsString(), float_pixels(24, 5)});
  send(sender, {end.SerializeAsString()});

  EXPECT_TRUE(std::holds_alternative<RunBegin>(next_of_stream(source)));
  const Item first = next_of_stream(source);
  const Item second = next_of_stream(source);
  EXPECT_EQ(std::get<Frame>(first).id.sequence, 0u);
  EXPECT_EQ(std::get<Frame>(second).id.sequence, 1u);
  float pixel = 0;
  std::memcpy(&pixel, std::get<Frame>(second).pixels.data.data(),
              sizeof pixel);  // unaligned, as they lie in the message
  EXPECT_EQ(pixel, 5.0f) << "the pixels live as long as the frame";
  EXPECT_GT(std::get<Frame>(second).arrival, Clock::time_point{});
  EXPECT_TRUE(std::holds_alternative<RunEnd>(next_of_stream(source)));
}

TEST_F(NativeSourceTest, ReturnsNothingAtTheDeadline) {
  NativeSource source(context_, {.endpoint = "tcp://127.0.0.1:*", .zmq = {.pull = true, .bind = true}});
  EXPECT_FALSE(source.next(Clock::now()));
  EXPECT_FALSE(source.next(Clock::time_point{}));
}

TEST_F(NativeSourceTest, GoesOnAfterBadMessages) {
  NativeSource source(context_, {.endpoint = "tcp://127.0.0.1:*", .zmq = {.pull = true, .bind = true}});
  zmq::socket_t sender(context_, zmq::socket_type::push);
  sender.connect(source.endpoint());
  send(sender, {"garbage"});
  send(sender, {frame_message(0).SerializeAsString(), float_pixels(24), "three", "four", "five"});
  send(sender, {frame_message(1).SerializeAsString(), float_pixels(24)});
  EXPECT_TRUE(std::holds_alternative<Rejected>(next_of_stream(source)));
  EXPECT_TRUE(std::holds_alternative<Rejected>(next_of_stream(source)));
  EXPECT_TRUE(std::holds_alternative<Frame>(next_of_stream(source)));
}

TEST_F(NativeSourceTest, APeerThatSendsTooMuchIsCutOffAndTheOthersAreHeard) {
  NativeSource source(context_, {.endpoint = "tcp://127.0.0.1:*",
                                 .limits = {.max_message_bytes = 4000},
                                 .zmq = {.pull = true, .bind = true}});
  zmq::socket_t flooder(context_, zmq::socket_type::push), sender(context_, zmq::socket_type::push);
  flooder.set(zmq::sockopt::linger, 0);
  flooder.connect(source.endpoint());
  send(flooder, {frame_message(0, 64, 64).SerializeAsString(), float_pixels(64 * 64)});
  sender.connect(source.endpoint());
  send(sender, {frame_message(1).SerializeAsString(), float_pixels(24)});
  int connected = 0, disconnected = 0;
  bool heard = false;
  while (!heard || disconnected == 0) {
    const Item item = source.next(soon()).value();
    if (const auto* change = std::get_if<PeerChange>(&item)) ++(change->connected ? connected : disconnected);
    if (const auto* frame = std::get_if<Frame>(&item)) heard = frame->id.sequence == 1;
  }
  EXPECT_TRUE(heard);
  EXPECT_GE(connected, disconnected);
}

TEST_F(NativeSourceTest, ThatWaitsForLongLosesNothing) {
  constexpr std::uint64_t kFrames = 300;
  constexpr std::chrono::milliseconds kHeartbeat{20};
  NativeSource source(context_, {.endpoint = "tcp://127.0.0.1:*",
                                 .waits = true,
                                 .limits = {.high_water_mark = 1},
                                 .zmq = {.pull = true, .bind = true, .heartbeat = kHeartbeat}});
  zmq::socket_t sender(context_, zmq::socket_type::push);
  sender.set(zmq::sockopt::sndhwm, 1);
  sender.connect(source.endpoint());
  std::jthread sending([&] {
    for (std::uint64_t i = 0; i < kFrames; ++i)
      send(sender, {frame_message(i, 64, 64).SerializeAsString(), float_pixels(64 * 64)});
  });
  std::this_thread::sleep_for(20 * kHeartbeat);  // time is what passes here, and nothing else
  for (std::uint64_t i = 0; i < kFrames; ++i) {
    const Item item = next_of_stream(source);
    ASSERT_TRUE(std::holds_alternative<Frame>(item)) << i;
    ASSERT_EQ(std::get<Frame>(item).id.sequence, i);
  }
}

TEST_F(NativeSourceTest, AMessageOverTheLimitIsRejectedWithItsSizeAndTheSenderIsHeardFurther) {
  zmq::socket_t sender(context_, zmq::socket_type::xpub);
  sender.bind("tcp://127.0.0.1:*");
  NativeSource source(context_, {.endpoint = sender.get(zmq::sockopt::last_endpoint),
                                 .limits = {.max_message_bytes = 20'000}});
  zmq::message_t subscription;
  ASSERT_TRUE(sender.recv(subscription));
  send(sender, {frame_message(0, 80, 100).SerializeAsString(), float_pixels(80 * 100)});
  send(sender, {frame_message(1).SerializeAsString(), float_pixels(24)});
  const Item large = next_of_stream(source);
  EXPECT_EQ(std::get<Rejected>(large).reason, Rejection::too_large);
  EXPECT_EQ(std::get<Rejected>(large).detail, "32000 bytes are more than max_message_bytes, 20000");
  EXPECT_TRUE(std::holds_alternative<Frame>(next_of_stream(source)));
}

TEST_F(NativeSourceTest, ConnectsAgainAfterAMessageThatCutTheConnectionAndLosesNothingBeforeIt) {
  zmq::socket_t sender(context_, zmq::socket_type::xpub);
  sender.set(zmq::sockopt::xpub_verbose,
             true);  // tells of the second subscription too, even before the first ends
  sender.bind("tcp://127.0.0.1:*");
  NativeSource source(
      context_, {.endpoint = sender.get(zmq::sockopt::last_endpoint), .limits = {.max_message_bytes = 4000}});
  zmq::message_t subscription;
  ASSERT_TRUE(sender.recv(subscription));
  for (std::uint64_t i = 0; i < 5; ++i)
    send(sender, {frame_message(i).SerializeAsString(), float_pixels(24)});
  send(sender, {frame_message(5, 80, 100).SerializeAsString(), float_pixels(80 * 100)});
  for (std::uint64_t i = 0; i < 5; ++i) EXPECT_EQ(std::get<Frame>(next_of_stream(source)).id.sequence, i);
  EXPECT_THAT(std::get<Problem>(next_of_stream(source)).sentence,
              testing::HasSubstr("more than 4 times max_message_bytes, 4000"));
  EXPECT_THAT(source.problem().value_or(""), testing::HasSubstr("the connection was cut"));
  for (bool subscribed = false; !subscribed;) {
    ASSERT_TRUE(sender.recv(subscription));  // the end of the first one, then the new one
    subscribed = subscription.size() > 0 && *subscription.data<char>() == 1;
  }
  send(sender, {frame_message(6).SerializeAsString(), float_pixels(24)});
  EXPECT_EQ(std::get<Frame>(next_of_stream(source)).id.sequence, 6u);
  // The frame may come before the word of the connection.
  while (source.problem()) (void)source.next(Clock::now() + std::chrono::milliseconds(10));
}

TEST_F(NativeSourceTest, ConnectsAgainWhenAnotherKindOfSocketWasAtItsEndpoint) {
  auto wrong = std::make_unique<zmq::socket_t>(context_, zmq::socket_type::push);
  wrong->bind("tcp://127.0.0.1:*");
  const std::string endpoint = wrong->get(zmq::sockopt::last_endpoint);
  NativeSource source(context_, {.endpoint = endpoint});
  EXPECT_THAT(std::get<Problem>(next_of_stream(source)).sentence, testing::HasSubstr("it is no PUB socket"));
  wrong.reset();
  zmq::socket_t sender(context_, zmq::socket_type::xpub);
  for (bool bound = false; !bound;) bound = zmq_bind(sender.handle(), endpoint.c_str()) == 0;
  sender.set(zmq::sockopt::rcvtimeo, 10);
  zmq::message_t subscription;
  while (!sender.recv(subscription)) (void)source.next(Clock::now());
  send(sender, {frame_message(0).SerializeAsString(), float_pixels(24)});
  for (;;) {
    const Item item = next_of_stream(source);
    if (std::holds_alternative<Problem>(item)) continue;
    EXPECT_TRUE(std::holds_alternative<Frame>(item));
    break;
  }
}

TEST_F(NativeSourceTest, ASenderThatIsNotReadFillsTheSocketNoFurtherThanItsBytes) {
  constexpr std::size_t kPixels = 250'000;  // of a megabyte
  NativeSource source(context_, {.endpoint = "tcp://127.0.0.1:*",
                                 .limits = {.high_water_mark = 1000, .queue_bytes = 5'000'000},
                                 .zmq = {.pull = true, .bind = true}});
  zmq::socket_t sender(context_, zmq::socket_type::push);
  sender.set(zmq::sockopt::sndhwm, 1);
  sender.set(zmq::sockopt::linger, 0);
  sender.connect(source.endpoint());
  const std::string pixels = float_pixels(kPixels);
  const auto give = [&](std::uint64_t number) {
    send(sender, {frame_message(number, 500, 500).SerializeAsString(), pixels});
  };
  give(0);
  EXPECT_TRUE(std::holds_alternative<Frame>(next_of_stream(source))) << "from which it learns the size";
  sender.set(zmq::sockopt::sndtimeo, 500);
  std::uint64_t sent = 0;
  while (sent < 300 && sender.send(zmq::buffer(frame_message(sent + 1, 500, 500).SerializeAsString()),
                                   zmq::send_flags::sndmore)) {
    (void)sender.send(zmq::buffer(pixels));
    ++sent;
  }
  EXPECT_LT(sent, 60u) << "5 in the socket, and what the kernel takes";
  for (std::uint64_t i = 1; i <= sent; ++i)
    EXPECT_EQ(std::get<Frame>(next_of_stream(source)).id.sequence, i) << "none is lost";
}

TEST_F(NativeSourceTest, TellsOfSendersThatComeAndGo) {
  NativeSource source(context_, {.endpoint = "tcp://127.0.0.1:*", .zmq = {.pull = true, .bind = true}});
  {
    zmq::socket_t sender(context_, zmq::socket_type::push);
    sender.connect(source.endpoint());
    EXPECT_TRUE(std::get<PeerChange>(source.next(soon()).value()).connected);
  }
  EXPECT_FALSE(std::get<PeerChange>(source.next(soon()).value()).connected);
}

TEST_F(NativeSourceTest, SubscribesAndConnectsToASenderThatComesLater) {
  zmq::socket_t sender(context_, zmq::socket_type::xpub);
  sender.bind("tcp://127.0.0.1:*");
  NativeSource source(context_, {.endpoint = sender.get(zmq::sockopt::last_endpoint)});
  zmq::message_t subscription;
  ASSERT_TRUE(sender.recv(subscription));
  send(sender, {frame_message(0).SerializeAsString(), float_pixels(24)});
  EXPECT_TRUE(std::holds_alternative<Frame>(next_of_stream(source)));
}

TEST_F(NativeSourceTest, SaysWhatIsWrongWithItsEndpoint) {
  const auto problem = [&](const SourceConfig& config) -> std::string {
    try {
      NativeSource source(context_, config);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(problem({.endpoint = "tcp://no port"}),
              testing::StartsWith("endpoint: cannot connect to tcp://no port: "));
  EXPECT_THAT(problem({.endpoint = "tcp://127.0.0.1", .zmq = {.bind = true}}),
              testing::StartsWith("endpoint: cannot bind tcp://127.0.0.1: "));
  NativeSource holder(context_, {.endpoint = "tcp://127.0.0.1:*", .zmq = {.bind = true}});
  EXPECT_THAT(problem({.endpoint = holder.endpoint(), .zmq = {.bind = true}}),
              testing::HasSubstr("Address already in use"));
}

}  // namespace
}  // namespace flashphase::ingest
