#include "service/ingest/native.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "proto/frame.pb.h"

namespace flashphase::ingest {

namespace {

constexpr std::size_t kLongestSourceName = 256;
constexpr std::uint32_t kLongestEdge = 65536;

std::optional<PixelType> pixel_type(v1::Dtype dtype) {
  switch (dtype) {
    case v1::DTYPE_UINT8:
      return PixelType::u8;
    case v1::DTYPE_UINT16:
      return PixelType::u16;
    case v1::DTYPE_UINT32:
      return PixelType::u32;
    case v1::DTYPE_INT16:
      return PixelType::i16;
    case v1::DTYPE_INT32:
      return PixelType::i32;
    case v1::DTYPE_FLOAT32:
      return PixelType::f32;
    case v1::DTYPE_FLOAT64:
      return PixelType::f64;
    default:
      return std::nullopt;
  }
}

std::optional<Codec> codec_of(v1::Codec codec) {
  switch (codec) {
    case v1::CODEC_NONE:
      return Codec::none;
    case v1::CODEC_LZ4:
      return Codec::lz4;
    default:
      return std::nullopt;
  }
}

std::string name_or(const std::string& given, const NativeLimits& limits) {
  return given.empty() ? limits.default_source : given;
}

std::string over_the_limit(std::size_t bytes, const NativeLimits& limits) {
  return fmt::format("{} bytes are more than max_message_bytes, {}", bytes, limits.max_bytes);
}

Item decode_frame(const v1::FrameHeader& header, const Part& payload, Clock::time_point arrival,
                  const NativeLimits& limits) {
  const FrameId id{.run = header.run(),
                   .train = header.train(),
                   .pulse = header.pulse(),
                   .sequence = header.sequence(),
                   .source = name_or(header.source(), limits)};
  const auto reject = [&](Rejection reason, std::string detail = {}) {
    return Rejected{reason, std::move(detail), id};
  };
  const auto type = pixel_type(header.dtype());
  if (!type) return reject(Rejection::unsupported_dtype);
  if (header.rows() == 0 || header.columns() == 0 || header.rows() > kLongestEdge ||
      header.columns() > kLongestEdge)
    return reject(Rejection::wrong_shape);
  const std::size_t bytes = std::size_t{header.rows()} * header.columns() * pixel_bytes(*type);
  if (const std::size_t most = std::max(bytes, payload.bytes.size()); most > limits.max_bytes)
    return reject(Rejection::too_large, over_the_limit(most, limits));

  const auto codec = codec_of(header.codec());
  if (!codec) return reject(Rejection::bad_pixels);
  Frame frame{.id = id,
              .pixels = {.type = *type,
                         .height = static_cast<int>(header.rows()),
                         .width = static_cast<int>(header.columns()),
                         .codec = *codec,
                         .data = payload.bytes,
                         .storage = payload.storage},
              .arrival = arrival,
              .timestamp_ns = header.timestamp_ns()};
  if (const auto reason = problem_of(frame.pixels)) return reject(*reason);
  return frame;
}

}  // namespace

Item decode_native(std::span<const Part> parts, Clock::time_point arrival, const NativeLimits& limits) {
  const Rejected bad_message{Rejection::bad_message};
  if (!parts.empty() && parts[0].bytes.size() > limits.max_bytes)
    return Rejected{Rejection::too_large, over_the_limit(parts[0].bytes.size(), limits)};
  if (parts.empty() || parts[0].bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return bad_message;
  thread_local v1::StreamMessage message;  // keeps its memory from frame to frame
  if (!message.ParseFromArray(parts[0].bytes.data(), static_cast<int>(parts[0].bytes.size())))
    return bad_message;

  switch (message.content_case()) {
    case v1::StreamMessage::kFrame:
      if (parts.size() != 2 || message.frame().source().size() > kLongestSourceName) return bad_message;
      return decode_frame(message.frame(), parts[1], arrival, limits);
    case v1::StreamMessage::kBegin:
      if (parts.size() != 1 || message.begin().source().size() > kLongestSourceName) return bad_message;
      return RunBegin{name_or(message.begin().source(), limits), message.begin().run(),
                      message.begin().expected_frames()};
    case v1::StreamMessage::kEnd:
      if (parts.size() != 1 || message.end().source().size() > kLongestSourceName) return bad_message;
      return RunEnd{name_or(message.end().source(), limits), message.end().run(),
                    message.end().sent_frames()};
    case v1::StreamMessage::CONTENT_NOT_SET:
      break;
  }
  return bad_message;
}

}  // namespace flashphase::ingest
