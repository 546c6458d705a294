#include "tools/shared/native_sender.h"

#include <gtest/gtest.h>
#include <lz4.h>

#include <array>
#include <future>
#include <stdexcept>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "proto/frame.pb.h"
#include "tools/shared/frame_stream.h"

namespace flashphase::tools {
namespace {

using std::chrono::milliseconds;

/// The daemon's side of the wire.
class Receiver {
 public:
  explicit Receiver(zmq::socket_type type = zmq::socket_type::pull) : socket_(context_, type) {
    socket_.set(zmq::sockopt::rcvtimeo, 10'000);
    if (type == zmq::socket_type::sub) socket_.set(zmq::sockopt::subscribe, "");
    socket_.bind("tcp://127.0.0.1:*");
  }

  std::string endpoint() const { return socket_.get(zmq::sockopt::last_endpoint); }

  struct Message {
    v1::StreamMessage header;
    bool parses = false;
    std::vector<std::string> payload;
  };
  Message next() {
    Message message;
    zmq::message_t part;
    if (!socket_.recv(part)) throw std::runtime_error("nothing came");
    message.parses = message.header.ParseFromArray(part.data(), static_cast<int>(part.size()));
    while (part.more()) {
      (void)socket_.recv(part);
      message.payload.push_back(part.to_string());
    }
    return message;
  }

 private:
  zmq::context_t context_;
  zmq::socket_t socket_;
};

SenderOptions to(const Receiver& receiver) {
  SenderOptions options;
  options.endpoint = receiver.endpoint();
  options.run = 5;
  return options;
}

const std::array<float, 4> kImage{1, 2, 3, 4};

TEST(NativeSender, SendsBeginFramesAndEndInOrder) {
  Receiver receiver;
  NativeSender sender(to(receiver));
  ASSERT_TRUE(sender.wait_for_receiver(milliseconds(10'000)));
  FrameStream stream(sender, Pacer::from_trains("1000x2"));
  ASSERT_TRUE(stream.begin(3));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(stream.send(kImage, 2, true));
  ASSERT_TRUE(stream.end());

  EXPECT_EQ(receiver.next().header.begin().expected_frames(), 3u);
  for (std::uint64_t i = 0; i < 3; ++i) {
    const auto message = receiver.next();
    const v1::FrameHeader& header = message.header.frame();
    EXPECT_EQ(header.run(), 5u);
    EXPECT_EQ(header.sequence(), i);
    EXPECT_EQ(header.train(), i / 2);
    EXPECT_EQ(header.pulse(), i % 2);
    EXPECT_EQ(header.dtype(), v1::DTYPE_FLOAT32);
    EXPECT_GT(header.timestamp_ns(), 0u);
    ASSERT_EQ(message.payload.size(), 1u);
    EXPECT_EQ(message.payload[0], std::string(reinterpret_cast<const char*>(kImage.data()), sizeof kImage));
  }
  EXPECT_EQ(receiver.next().header.end().sent_frames(), 3u);
}

TEST(NativeSender, CompressesToOneLz4Block) {
  Receiver receiver;
  SenderOptions options = to(receiver);
  options.lz4 = true;
  NativeSender sender(options);
  const std::vector<float> image(64 * 64, 7.0f);
  ASSERT_TRUE(sender.frame(
      {0, 0, 0, 64, 64, wire_dtype(PixelType::f32), std::as_bytes(std::span<const float>(image))}));
  const auto message = receiver.next();
  EXPECT_EQ(message.header.frame().codec(), v1::CODEC_LZ4);
  ASSERT_EQ(message.payload.size(), 1u);
  std::vector<float> decoded(image.size());
  EXPECT_EQ(LZ4_decompress_safe(message.payload[0].data(), reinterpret_cast<char*>(decoded.data()),
                                static_cast<int>(message.payload[0].size()),
                                static_cast<int>(sizeof(float) * decoded.size())),
            static_cast<int>(sizeof(float) * decoded.size()));
  EXPECT_EQ(decoded, image);
}

TEST(NativeSender, WaitsForASubscriptionBeforeItPublishes) {
  Receiver receiver(zmq::socket_type::sub);
  SenderOptions options = to(receiver);
  options.socket = SenderOptions::Socket::pub;
  NativeSender sender(options);
  auto sent = std::async(std::launch::async,
                         [&] { return sender.wait_for_receiver(milliseconds(10'000)) && sender.begin(0); });
  EXPECT_TRUE(receiver.next().header.has_begin());  // a SUB socket subscribes while it waits
  EXPECT_TRUE(sent.get());
}

TEST(NativeSender, SaysSoWhenNobodyReceives) {
  SenderOptions options;
  options.endpoint = "tcp://127.0.0.1:9";
  NativeSender sender(options);
  EXPECT_FALSE(sender.wait_for_receiver(milliseconds(1)));
}

TEST(NativeSender, NamesTheEndpointThatIsNone) {
  SenderOptions options;
  options.endpoint = "nonsense";
  try {
    NativeSender sender(options);
    FAIL() << "accepted";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("nonsense"), std::string::npos);
  }
}

TEST(FrameStream, CountsEveryMessageThatTheDaemonCounts) {
  Receiver receiver;
  NativeSender sender(to(receiver));
  FrameStream stream(sender, Pacer::from_rate("max"));
  ASSERT_TRUE(stream.begin(0));
  for (const Fault fault : {Fault::garbage, Fault::duplicate, Fault::gap, Fault::double_begin, Fault::nan})
    ASSERT_TRUE(stream.send(kImage, 2, true, fault));
  ASSERT_TRUE(stream.end());
  EXPECT_EQ(stream.totals().sent, 7u);    // five frames, one of them twice, and the garbage
  EXPECT_EQ(stream.totals().frames, 4u);  // all but the NaN

  EXPECT_TRUE(receiver.next().header.has_begin());
  EXPECT_FALSE(receiver.next().parses);
  std::vector<std::uint64_t> sequences;
  int begins = 0;
  auto message = receiver.next();
  for (; !message.header.has_end(); message = receiver.next()) {
    if (message.header.has_frame()) sequences.push_back(message.header.frame().sequence());
    begins += message.header.has_begin();
  }
  EXPECT_EQ(sequences, (std::vector<std::uint64_t>{0, 1, 1, 3, 4, 5}));
  EXPECT_EQ(begins, 1);
  EXPECT_EQ(message.header.end().sent_frames(), 5u) << "each number once";
}

}  // namespace
}  // namespace flashphase::tools
