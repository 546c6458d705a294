#include "service/publish/zmq_publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <zmq.hpp>

#include "proto/reconstruction.pb.h"
#include "tests/service/publish/zmtp_peer.h"

namespace flashphase::publish {
namespace {

using testing_support::ZmtpPeer;

std::shared_ptr<const Reconstruction> result_of(std::uint64_t sequence,
                                                ResultStage stage = ResultStage::inferred) {
  auto pattern = std::make_shared<Pattern>();
  pattern->id.sequence = sequence;
  auto result = std::make_shared<Reconstruction>();
  result->pattern = pattern;
  result->stage = stage;
  return result;
}

class ZmqPublisherTest : public testing::Test {
 protected:
  /// A subscriber that has been heard of: within a process the subscription is there at once.
  zmq::socket_t subscriber(const std::string& topic, int high_water_mark) {
    zmq::socket_t socket(context_, zmq::socket_type::sub);
    socket.set(zmq::sockopt::rcvhwm, high_water_mark);
    socket.set(zmq::sockopt::rcvtimeo, 20000);
    socket.set(zmq::sockopt::linger, 0);
    socket.connect(publisher_.endpoint());
    socket.set(zmq::sockopt::subscribe, topic);
    publisher_.tend();
    return socket;
  }

  struct Received {
    std::string topic;
    v1::ResultMessage message;
  };
  static Received receive(zmq::socket_t& socket) {
    zmq::message_t topic, body;
    EXPECT_TRUE(socket.recv(topic));
    EXPECT_TRUE(topic.more());
    EXPECT_TRUE(socket.recv(body));
    EXPECT_FALSE(body.more());
    Received received{topic.to_string(), {}};
    EXPECT_TRUE(received.message.ParseFromArray(body.data(), static_cast<int>(body.size())));
    return received;
  }

  static constexpr int kHighWaterMark = 4;
  zmq::context_t context_;
  ZmqPublisher publisher_{context_, {.endpoint = "inproc://results", .high_water_mark = kHighWaterMark}};
};

TEST_F(ZmqPublisherTest, SendsEachKindOfMessageUnderItsTopic) {
  auto all = subscriber("", 100);
  EXPECT_TRUE(publisher_.take(result_of(1)));
  EXPECT_TRUE(publisher_.take(result_of(1, ResultStage::refined)));
  EXPECT_TRUE(publisher_.take(RunEvent{.source = "a", .run = 5}));
  EXPECT_TRUE(publisher_.take(Bye{.received = 9}));
  EXPECT_EQ(receive(all).topic, "inferred");
  EXPECT_EQ(receive(all).topic, "refined");
  const auto run = receive(all);
  EXPECT_EQ(run.topic, "run");
  EXPECT_EQ(run.message.run().run(), 5u);
  const auto bye = receive(all);
  EXPECT_EQ(bye.topic, "bye");
  EXPECT_EQ(bye.message.bye().received(), 9u);
}

TEST_F(ZmqPublisherTest, ASubscriberGetsTheTopicsItAskedFor) {
  auto refined = subscriber("refined", 100);
  publisher_.take(result_of(1));
  publisher_.take(result_of(2, ResultStage::refined));
  const auto received = receive(refined);
  EXPECT_EQ(received.topic, "refined");
  EXPECT_EQ(received.message.reconstruction().sequence(), 2u);
}

TEST_F(ZmqPublisherTest, WithoutSubscribersNothingIsMissed) {
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_TRUE(publisher_.take(result_of(i)));
}

TEST_F(ZmqPublisherTest, AStuckSubscriberIsReportedAndCostsTheOthersNothing) {
  auto stuck = subscriber("", 1);
  auto reader = subscriber("", 1);
  int missed = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    missed += publisher_.take(result_of(i)) ? 0 : 1;
    EXPECT_EQ(receive(reader).message.reconstruction().sequence(), i);
  }
  EXPECT_GE(missed, 1);
  for (std::uint64_t i = 0; i < kHighWaterMark; ++i)
    EXPECT_EQ(receive(stuck).message.reconstruction().sequence(), i)
        << "what was in its queue is still there, in order";
}

TEST_F(ZmqPublisherTest, ASubscriberThatRecoversHearsAgain) {
  auto slow = subscriber("", 1);
  std::uint64_t next = 0;
  while (publisher_.take(result_of(next))) ++next;
  for (std::uint64_t i = 0; i < next; ++i) EXPECT_EQ(receive(slow).message.reconstruction().sequence(), i);
  publisher_.tend();
  EXPECT_TRUE(publisher_.take(result_of(1000)));
  EXPECT_EQ(receive(slow).message.reconstruction().sequence(), 1000u);
}

TEST_F(ZmqPublisherTest, ARunEventThatAFullSubscriberMissesIsReported) {
  auto stuck = subscriber("run", 1);
  int sent = 0;
  while (publisher_.take(RunEvent{.source = "a", .run = 5})) ASSERT_LT(++sent, 100);
}

TEST_F(ZmqPublisherTest, AByeThatAFullSubscriberMissesIsReported) {
  auto stuck = subscriber("", 1);
  int sent = 0;
  while (publisher_.take(Bye{})) ASSERT_LT(++sent, 100);
}

TEST_F(ZmqPublisherTest, AnEndpointInUseIsNamed) {
  try {
    ZmqPublisher second(context_, {.endpoint = "inproc://results"});
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(),
                testing::StartsWith("endpoint: cannot bind inproc://results: Address already in use"));
  }
}

/// Over TCP, as every subscriber outside of this process is.
class SubscriptionsTest : public testing::Test {
 protected:
  SubscriptionsTest() {
    publisher_.on_subscription([this](int change) {
      subscriptions_ += change;
      least_ = std::min(least_, subscriptions_);
    });
  }

  std::uint16_t port() const {
    const std::string endpoint = publisher_.endpoint();
    return static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
  }

  void tend_until(int subscriptions) {
    while (subscriptions_ != subscriptions) {
      publisher_.tend();
      std::this_thread::yield();
    }
  }

  zmq::context_t context_;
  int subscriptions_ = 0, least_ = 0;
  ZmqPublisher publisher_{context_, {.endpoint = "tcp://127.0.0.1:*"}};
};

TEST_F(SubscriptionsTest, AreCountedPerSubscriberAndTopic) {
  zmq::socket_t socket(context_, zmq::socket_type::sub);
  socket.set(zmq::sockopt::linger, 0);
  socket.connect(publisher_.endpoint());
  socket.set(zmq::sockopt::subscribe, "inferred");
  tend_until(1);
  ZmtpPeer other(port());
  other.subscribe("inferred");
  other.subscribe("run");
  tend_until(3);
  socket.set(zmq::sockopt::unsubscribe, "inferred");
  tend_until(2);
}

TEST(Subscriptions, AreCountedOverIpcToo) {
  zmq::context_t context;
  ZmqPublisher publisher(
      context, {.endpoint = "ipc://" + testing::TempDir() + "/subscriptions-" + std::to_string(::getpid())});
  int subscriptions = 0;
  publisher.on_subscription([&](int change) { subscriptions += change; });
  const auto tend_until = [&](int wanted) {
    while (subscriptions != wanted) {
      publisher.tend();
      std::this_thread::yield();
    }
  };
  {
    zmq::socket_t socket(context, zmq::socket_type::sub);
    socket.set(zmq::sockopt::linger, 0);
    socket.connect(publisher.endpoint());
    socket.set(zmq::sockopt::subscribe, "");
    tend_until(1);
  }
  tend_until(0);
}

TEST_F(SubscriptionsTest, ThatNobodyHasCannotBeEnded) {
  ZmtpPeer first(port());
  first.subscribe("");
  tend_until(1);
  ZmtpPeer second(port());
  for (const char* topic : {"never", "", "", "inferred"}) second.unsubscribe(topic);
  second.subscribe("run");
  tend_until(2);
  EXPECT_EQ(least_, 0);
}

TEST_F(SubscriptionsTest, CountOnceHoweverOftenTheyAreAskedFor) {
  ZmtpPeer peer(port());
  for (int i = 0; i < 3; ++i) peer.subscribe("inferred");
  peer.subscribe("run");
  tend_until(2);
  peer.unsubscribe("inferred");
  tend_until(1);
}

TEST_F(SubscriptionsTest, EndWithTheirSubscriberThatVanishesAndComesAgain) {
  for (int round = 0; round < 3; ++round) {
    {
      ZmtpPeer peer(port());
      peer.subscribe("inferred");
      peer.subscribe("inferred");
      peer.subscribe("refined");
      tend_until(2);
    }
    tend_until(0);
  }
  EXPECT_EQ(least_, 0);
}

TEST_F(SubscriptionsTest, OneOfSixtyMegabytesEndsThatPeerAtItsFirstBytes) {
  ZmtpPeer good(port());
  good.subscribe("");
  ZmtpPeer bad(port());
  bad.send(std::string_view("\x02\x00\x00\x00\x00\x03\x93\x87\x00\x01", 10));  // long frame, 60'000'000 bytes
  bad.send(std::string(1000, 'x'));
  EXPECT_TRUE(bad.is_closed());
  tend_until(1);
  EXPECT_TRUE(publisher_.take(result_of(1)));
}

TEST_F(SubscriptionsTest, ManyAtOnceHoldUpNobody) {
  constexpr int kMany = 10000, kAFew = 100;
  ZmtpPeer peer(port());
  std::string all;
  for (int i = 0; i < kMany; ++i) all += ZmtpPeer::command('\1', "topic " + std::to_string(i));
  const std::jthread sender([&] { peer.send(all); });
  while (subscriptions_ < kMany) {
    const int before = subscriptions_;
    publisher_.tend();
    ASSERT_LE(subscriptions_ - before, kAFew);
  }
}

}  // namespace
}  // namespace flashphase::publish
