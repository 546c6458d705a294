#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>
#include <lz4.h>

#include <cstring>
#include <random>

#include "service/ingest/native.h"
#include "tests/service/ingest/native_messages.h"

namespace flashphase::ingest {
namespace {

using testing_support::float_pixels;
using testing_support::frame_message;
using testing_support::parts_of;

const Clock::time_point kArrival{std::chrono::seconds(5)};

Item decode(const std::vector<std::string>& parts, NativeLimits limits = {}) {
  return decode_native(parts_of(parts), kArrival, limits);
}

Rejection reason_of(const Item& item) {
  EXPECT_TRUE(std::holds_alternative<Rejected>(item));
  return std::get<Rejected>(item).reason;
}

std::string compressed(const std::string& bytes) {
  std::string block(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(bytes.size()))), '\0');
  block.resize(static_cast<std::size_t>(LZ4_compress_default(
      bytes.data(), block.data(), static_cast<int>(bytes.size()), static_cast<int>(block.size()))));
  return block;
}

TEST(NativeDecoder, TakesAFrameWithItsIdentityAndLeavesThePixelsWhereTheyAre) {
  const auto parts = parts_of({frame_message(42).SerializeAsString(), float_pixels(24)});
  const Item item = decode_native(parts, kArrival, {});
  ASSERT_TRUE(std::holds_alternative<Frame>(item));
  const Frame& frame = std::get<Frame>(item);
  EXPECT_EQ(frame.id, (FrameId{.run = 3, .train = 142, .pulse = 7, .sequence = 42, .source = "agipd"}));
  EXPECT_EQ(frame.pixels.height, 4);
  EXPECT_EQ(frame.pixels.width, 6);
  EXPECT_EQ(frame.pixels.type, PixelType::f32);
  EXPECT_EQ(frame.arrival, kArrival);
  EXPECT_EQ(frame.timestamp_ns, 1234567u);
  EXPECT_EQ(frame.pixels.data.data(), parts[1].bytes.data());
  EXPECT_EQ(frame.pixels.storage, parts[1].storage);
}

TEST(NativeDecoder, LeavesLz4AsItCame) {
  auto message = frame_message(0);
  message.mutable_frame()->set_codec(v1::CODEC_LZ4);
  const auto parts = parts_of({message.SerializeAsString(), compressed(float_pixels(24))});
  const Item item = decode_native(parts, kArrival, {});
  ASSERT_TRUE(std::holds_alternative<Frame>(item));
  const PixelBlock& pixels = std::get<Frame>(item).pixels;
  EXPECT_EQ(pixels.codec, Codec::lz4);
  EXPECT_EQ(pixels.data.data(), parts[1].bytes.data());
  EXPECT_EQ(pixels.bytes(), parts[1].bytes.size());
}

TEST(NativeDecoder, RejectsLz4ThatIsTooSmallForItsShape) {
  auto message = frame_message(0, 4096, 4096);
  message.mutable_frame()->set_codec(v1::CODEC_LZ4);
  EXPECT_EQ(reason_of(decode({message.SerializeAsString(), std::string(40, 'x')})), Rejection::bad_pixels);
  EXPECT_EQ(reason_of(decode({message.SerializeAsString(), ""})), Rejection::bad_pixels);
}

TEST(NativeDecoder, RejectsTruncatedAndOversizedPixels) {
  const std::string header = frame_message(0).SerializeAsString();
  EXPECT_EQ(reason_of(decode({header, float_pixels(23)})), Rejection::bad_pixels);
  EXPECT_EQ(reason_of(decode({header, float_pixels(25)})), Rejection::bad_pixels);
  EXPECT_EQ(reason_of(decode({header, ""})), Rejection::bad_pixels);
}

TEST(NativeDecoder, RejectsADtypeItDoesNotKnow) {
  auto message = frame_message(0);
  message.mutable_frame()->set_dtype(v1::DTYPE_UNSPECIFIED);
  EXPECT_EQ(reason_of(decode({message.SerializeAsString(), float_pixels(24)})), Rejection::unsupported_dtype);
  message.mutable_frame()->set_dtype(static_cast<v1::Dtype>(99));
  EXPECT_EQ(reason_of(decode({message.SerializeAsString(), float_pixels(24)})), Rejection::unsupported_dtype);
}

TEST(NativeDecoder, RejectsACodecItDoesNotKnow) {
  auto message = frame_message(0);
  message.mutable_frame()->set_codec(static_cast<v1::Codec>(7));
  EXPECT_EQ(reason_of(decode({message.SerializeAsString(), float_pixels(24)})), Rejection::bad_pixels);
}

TEST(NativeDecoder, RejectsShapesThatAreEmptyOrTooLargeWithoutAllocating) {
  const auto reason = [](std::uint32_t rows, std::uint32_t columns, v1::Codec codec) {
    auto message = frame_message(0, rows, columns);
    message.mutable_frame()->set_codec(codec);
    return reason_of(decode({message.SerializeAsString(), float_pixels(24)}));
  };
  for (const auto codec : {v1::CODEC_NONE, v1::CODEC_LZ4}) {
    EXPECT_EQ(reason(0, 6, codec), Rejection::wrong_shape);
    EXPECT_EQ(reason(4, 0, codec), Rejection::wrong_shape);
    EXPECT_EQ(reason(0xffffffffu, 0xffffffffu, codec), Rejection::wrong_shape);
    EXPECT_EQ(reason(65536, 65536, codec), Rejection::too_large);
  }
}

TEST(NativeDecoder, RejectsAFrameLargerThanTheLimitAndNamesBoth) {
  const std::vector<std::string> parts{frame_message(0).SerializeAsString(), float_pixels(24)};
  EXPECT_TRUE(std::holds_alternative<Frame>(decode(parts, {.max_bytes = 96})));
  const auto rejected = std::get<Rejected>(decode(parts, {.max_bytes = 95}));
  EXPECT_EQ(rejected.reason, Rejection::too_large);
  EXPECT_EQ(rejected.detail, "96 bytes are more than max_message_bytes, 95");
  ASSERT_TRUE(rejected.id);
  EXPECT_EQ(rejected.id->train, 100u);
}

TEST(NativeDecoder, RejectsMessagesWithPartsMissingOrTooMany) {
  const std::string header = frame_message(0).SerializeAsString();
  EXPECT_EQ(reason_of(decode({})), Rejection::bad_message);
  EXPECT_EQ(reason_of(decode({header})), Rejection::bad_message);
  EXPECT_EQ(reason_of(decode({header, float_pixels(24), "more"})), Rejection::bad_message);
  v1::StreamMessage begin;
  begin.mutable_begin()->set_run(1);
  EXPECT_EQ(reason_of(decode({begin.SerializeAsString(), "more"})), Rejection::bad_message);
}

TEST(NativeDecoder, RejectsGarbage) {
  EXPECT_EQ(reason_of(decode({"\xff\xff\xff\xff garbage", float_pixels(24)})), Rejection::bad_message);
  EXPECT_EQ(reason_of(decode({""})), Rejection::bad_message);
  auto message = frame_message(0);
  message.mutable_frame()->set_source(std::string(1000, 'x'));
  EXPECT_EQ(reason_of(decode({message.SerializeAsString(), float_pixels(24)})), Rejection::bad_message);
}

TEST(NativeDecoder, TakesBeginAndEndOfARun) {
  v1::StreamMessage begin, end;
  begin.mutable_begin()->set_run(9);
  begin.mutable_begin()->set_expected_frames(100);
  end.mutable_end()->set_run(9);
  end.mutable_end()->set_sent_frames(99);
  end.mutable_end()->set_source("agipd");
  const Item first = decode({begin.SerializeAsString()}, {.default_source = "here"});
  ASSERT_TRUE(std::holds_alternative<RunBegin>(first));
  EXPECT_EQ(std::get<RunBegin>(first).source, "here")
      << "a sender that gives no name gets the configured one";
  EXPECT_EQ(std::get<RunBegin>(first).expected_frames, 100u);
  const Item last = decode({end.SerializeAsString()});
  ASSERT_TRUE(std::holds_alternative<RunEnd>(last));
  EXPECT_EQ(std::get<RunEnd>(last).source, "agipd");
  EXPECT_EQ(std::get<RunEnd>(last).sent_frames, 99u);
}

TEST(NativeDecoder, SurvivesTwentyThousandDamagedMessages) {
  const google::protobuf::LogSilencer silence;
  std::mt19937 random(1);
  auto message = frame_message(1);
  message.mutable_frame()->set_codec(v1::CODEC_LZ4);
  const std::vector<std::string> good{message.SerializeAsString(), compressed(float_pixels(24))};
  int frames = 0;
  for (int i = 0; i < 20000; ++i) {
    auto parts = good;
    for (int flips = 1 + static_cast<int>(random() % 4); flips > 0; --flips) {
      std::string& part = parts[random() % 2];
      if (random() % 8 == 0)
        part.resize(random() % (part.size() + 4));
      else if (!part.empty())
        part[random() % part.size()] = static_cast<char>(random());
    }
    const Item item = decode(parts);
    if (const auto* frame = std::get_if<Frame>(&item)) {
      ++frames;
      EXPECT_EQ(problem_of(frame->pixels), std::nullopt);
    }
  }
  EXPECT_GT(frames, 0) << "some damage leaves a frame that is still whole";
}

}  // namespace
}  // namespace flashphase::ingest
